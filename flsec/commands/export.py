"""`flsec export`: the programs that XLA compiles for a round."""

import pathlib
from collections.abc import Sequence

from absl import flags

from flsec.commands import experiment_flags
from flsec.commands.command import Command
from flsec.config import loading
from flsec.runtime import threads


def define_flags(flag_values: flags.FlagValues) -> None:
  """Declares the flags of `flsec export`."""
  experiment_flags.define(flag_values)
  flags.DEFINE_enum(
    'format', 'hlo', ['hlo'], 'What to export.', flag_values=flag_values
  )
  flags.DEFINE_string(
    'output_dir', 'hlo', 'Where the files go.', flag_values=flag_values
  )
  flags.DEFINE_integer(
    'num_clients',
    1,
    'Clients in the program of client work, one after the other.',
    lower_bound=1,
    flag_values=flag_values,
  )


def run(flag_values: flags.FlagValues, positional: Sequence[str]) -> int:
  """Exports the first cell's programs."""
  cell = loading.load_cells(
    experiment_flags.config_file(flag_values.config, positional),
    sets=flag_values.set,
    plugins=flag_values.plugin,
    seed=flag_values.seed,
  )[0]
  threads.configure(cell.experiment.runtime.threads)
  from flsec.experiment import preflight, round_programs

  preflight.check_components(cell.experiment)
  files = round_programs.export_round(
    cell.experiment,
    directory=pathlib.Path(flag_values.output_dir),
    data_dir=experiment_flags.data_dir(flag_values.data_dir),
    num_clients=flag_values.num_clients,
  )
  for path in files:
    print(f'{path}  {path.stat().st_size / 1024:.0f} KiB')
  return 0


COMMAND = Command(
  name='export',
  summary='Write the programs that XLA compiles for a round, to inspect them.',
  usage='--config=FILE.yaml [--output_dir=DIR]',
  run=run,
  define_flags=define_flags,
  examples=('flsec export --format=hlo --config=experiments/quickstart.yaml',),
)
