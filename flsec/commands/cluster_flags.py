"""The flags that name a Dask cluster, and what they are checked for."""

import contextlib
import importlib.util
import pathlib
from collections.abc import Iterator

from flsec.commands import flags
from flsec.commands.command import UsageError
from flsec.sweeps import cluster_key, running

_LOCAL = ('localhost', '127.0.0.1', '[::1]')
_NEEDED = ('distributed', 'cryptography')


def define(flag_values: flags.FlagValues) -> None:
  """Declares them."""
  flags.DEFINE_string(
    'cluster',
    None,
    'Scheduler of a Dask cluster whose workers run the cells, as in '
    'tls://host:8786; `flsec cluster` says how to start one.',
    flag_values=flag_values,
  )
  define_key(flag_values)


def define_key(flag_values: flags.FlagValues) -> None:
  """Declares the one that every command about clusters has."""
  flags.DEFINE_string(
    'cluster_key',
    cluster_key.DEFAULT,
    'File with the key of a cluster behind tls://.',
    flag_values=flag_values,
  )


def key(flag: str) -> pathlib.Path:
  """Returns the file that a flag names."""
  return pathlib.Path(flag).expanduser()


def check(flag_values: flags.FlagValues) -> None:
  """Refuses flags that do not go together; warns of an open cluster.

  Raises:
    UsageError: they do not.
  """
  if flag_values.cluster is None:
    return
  if flag_values.jobs is not None:
    raise UsageError(
      '--jobs is about this machine, and --cluster runs cells on others. A '
      'worker runs as many as it has threads: `dask worker --nthreads=2`.'
    )
  scheme, _, host = flag_values.cluster.partition('://')
  if scheme == 'tcp' and not host.startswith(_LOCAL):
    from absl import logging

    logging.warning(
      'tcp:// beyond this machine has neither encryption nor authentication: '
      'whoever reaches %s can run code on its machines. Use tls://.',
      host,
    )


def check_installed() -> None:
  """Refuses to go on without Dask.

  Raises:
    UsageError: says how to install it.
  """
  for name in _NEEDED:
    if importlib.util.find_spec(name) is None:
      raise UsageError(
        f'A cluster needs the package {name}, which is not installed here: '
        '`make setup-cluster`, or `pip install --no-deps --require-hashes -r '
        'requirements-cluster.txt`.'
      )


def scheduler(
  flag_values: flags.FlagValues, root: pathlib.Path
) -> running.Scheduler:
  """Returns the cluster that the flags name, for the cells of a folder."""
  check_installed()
  file = key(flag_values.cluster_key)
  return running.Scheduler(flag_values.cluster, file, root)


@contextlib.contextmanager
def as_usage_errors() -> Iterator[None]:
  """Takes what is wrong with a cluster as what it is: no fault of flsec.

  Raises:
    UsageError: in place of a `ClusterError`.
  """
  try:
    yield
  except cluster_key.ClusterError as error:
    raise UsageError(str(error)) from error
