"""`flsec cluster`: says how to start a Dask cluster that runs cells."""

import difflib
import pathlib
from collections.abc import Sequence

from flsec.commands import cluster_flags, cluster_recipes, flags
from flsec.commands.command import Command, UsageError
from flsec.sweeps import cluster_key

_KEY = 'key'
_DEFAULT = 'localhost'


def define_flags(flag_values: flags.FlagValues) -> None:
  """Declares the flags of `flsec cluster`."""
  cluster_flags.define_key(flag_values)
  flags.DEFINE_integer(
    'port',
    8786,
    'Where the scheduler listens.',
    lower_bound=1,
    upper_bound=65535,
    flag_values=flag_values,
  )
  flags.DEFINE_integer(
    'workers',
    2,
    'Workers; with ssh, on each machine.',
    lower_bound=1,
    flag_values=flag_values,
  )
  flags.DEFINE_integer(
    'cells',
    1,
    'Cells at once on each worker, which share its cores.',
    lower_bound=1,
    flag_values=flag_values,
  )
  flags.DEFINE_list(
    'hosts',
    [],
    'ssh: the machines; the first has the scheduler, too.',
    flag_values=flag_values,
  )
  flags.DEFINE_integer(
    'cores',
    4,
    'slurm, kubernetes: of each worker.',
    lower_bound=1,
    flag_values=flag_values,
  )
  flags.DEFINE_string(
    'memory',
    '8G',
    'slurm, kubernetes: of each worker.',
    flag_values=flag_values,
  )
  flags.DEFINE_string(
    'time', '04:00:00', 'slurm: of each job.', flag_values=flag_values
  )
  flags.DEFINE_string(
    'image',
    'flsec',
    'kubernetes: a container image with the environment.',
    flag_values=flag_values,
  )
  flags.DEFINE_string(
    'claim',
    'flsec-runs',
    'kubernetes: a volume claim that all pods can write; mounted as /runs.',
    flag_values=flag_values,
  )


def run(flag_values: flags.FlagValues, positional: Sequence[str]) -> int:
  """Prints the commands, or makes a key."""
  kind, *rest = positional or [_DEFAULT]
  kinds = [*cluster_recipes.RECIPES, _KEY]
  if rest or kind not in kinds:
    close = difflib.get_close_matches(kind, kinds, n=1, cutoff=0.5)
    hint = f'; did you mean {close[0]}?' if close and not rest else '.'
    raise UsageError(
      f'`flsec cluster` takes one of {", ".join(kinds)}; got '
      f'{" ".join(positional)}{hint}'
    )
  key = cluster_flags.key(flag_values.cluster_key)
  if kind == _KEY:
    return _make_key(key)
  recipe = cluster_recipes.Settings(
    key=key.resolve(),
    port=flag_values.port,
    workers=flag_values.workers,
    cells=flag_values.cells,
    hosts=tuple(flag_values.hosts),
    cores=flag_values.cores,
    memory=flag_values.memory,
    time=flag_values.time,
    image=flag_values.image,
    claim=flag_values.claim,
  )
  print(cluster_recipes.RECIPES[kind](recipe), flush=True)
  return 0


def _make_key(path: pathlib.Path) -> int:
  cluster_flags.check_installed()
  with cluster_flags.as_usage_errors():
    cluster_key.write(path)
  print(
    f'{path} lets whoever holds it run code on the machines of the cluster.\n'
    'It is readable by you alone; copy it to machines that do not share this '
    'folder.'
  )
  return 0


COMMAND = Command(
  name='cluster',
  summary='Print the commands that start a Dask cluster for --cluster.',
  usage='[localhost|ssh|slurm|kubernetes|key]',
  run=run,
  define_flags=define_flags,
  examples=(
    'flsec cluster',
    'flsec cluster key',
    'flsec cluster ssh --hosts=node1,node2 --workers=1 --cells=2',
    'flsec cluster slurm --workers=8 --cores=16 --memory=32G > cluster.py',
    'flsec cluster kubernetes --image=registry/flsec | kubectl apply -f -',
  ),
)
