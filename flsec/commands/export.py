"""`flsec export`: a run's model for Keras, or the programs of a round."""

import pathlib
from collections.abc import Sequence

from flsec import registry
from flsec.commands import experiment_flags, flags
from flsec.commands.command import Command, UsageError
from flsec.runtime import threads


def define_flags(flag_values: flags.FlagValues) -> None:
  """Declares the flags of `flsec export`."""
  experiment_flags.define(flag_values)
  flags.DEFINE_enum(
    'format',
    'hlo',
    ['hlo', 'keras'],
    'What to export: the programs of an experiment, or the model of a run.',
    flag_values=flag_values,
  )
  flags.DEFINE_string(
    'output_dir',
    'hlo',
    'Where the files of the programs go.',
    flag_values=flag_values,
  )
  flags.DEFINE_string(
    'output',
    None,
    'The Keras model: a .keras or .h5 file, or a folder for a SavedModel '
    '(default: model.keras in the folder of the run).',
    flag_values=flag_values,
  )
  flags.DEFINE_integer(
    'num_clients',
    1,
    'Clients in the program of client work, one after the other.',
    lower_bound=1,
    flag_values=flag_values,
  )


def run(flag_values: flags.FlagValues, positional: Sequence[str]) -> int:
  """Exports a run's model, or the first cell's programs."""
  if flag_values.format == 'keras':
    return _export_model(flag_values, positional)
  from flsec.config import loading

  cell = loading.load_cells(
    experiment_flags.config_file(flag_values.config, positional),
    sets=flag_values.set,
    size=flag_values.size,
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


def _export_model(
  flag_values: flags.FlagValues, positional: Sequence[str]
) -> int:
  if len(positional) != 1 or flag_values.config:
    raise UsageError(
      '`flsec export --format=keras` takes one folder of a finished run, such '
      f'as runs/quickstart/seed=1; got {list(positional) or "none"}.'
    )
  for path in flag_values.plugin:
    registry.add_plugin(path)
  folder = pathlib.Path(positional[0])
  path = pathlib.Path(flag_values.output or folder / 'model.keras')
  from flsec.experiment import keras_export

  takes = keras_export.export_model(folder, path)
  print(f'{path}: {takes}')
  return 0


COMMAND = Command(
  name='export',
  summary="Write a run's model for Keras, or a round's compiled programs.",
  usage='--format=keras RUN_DIR [--output=FILE]\n'
  '       flsec export --format=hlo --config=FILE.yaml [--output_dir=DIR]',
  run=run,
  define_flags=define_flags,
  examples=(
    'flsec export --format=keras runs/quickstart/seed=1',
    'flsec export --format=hlo --config=experiments/quickstart.yaml',
  ),
)
