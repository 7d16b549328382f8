"""`flsec export`: a run's model for Keras, or XLA programs and their rows."""

import pathlib
from collections.abc import Sequence
from typing import Any

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
    ['hlo', 'keras', 'run', 'rows'],
    'What to export: the programs of a round; the model of a run; whole runs '
    'as one program a cell; or the folders of runs that such programs made.',
    flag_values=flag_values,
  )
  flags.DEFINE_string(
    'output_dir',
    None,
    'Where the files go (default: hlo; of rows: runs).',
    flag_values=flag_values,
  )
  flags.DEFINE_string(
    'results_dir',
    'results',
    'What benchmarks/exported_run.py wrote, for --format=rows.',
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
  """Exports a run's model, programs, or what programs made."""
  if flag_values.format == 'keras':
    return _export_model(flag_values, positional)
  from flsec.config import loading

  cells = loading.load_cells(
    experiment_flags.config_file(flag_values.config, positional),
    sets=flag_values.set,
    size=flag_values.size,
    plugins=flag_values.plugin,
    seed=flag_values.seed,
  )
  threads.configure(cells[0].experiment.runtime.threads)
  if flag_values.format == 'hlo':
    _export_round(flag_values, cells[0])
  for cell in cells if flag_values.format in ('run', 'rows') else ():
    write = _export_run if flag_values.format == 'run' else _write_rows
    print(write(flag_values, cell), flush=True)
  return 0


def _export_round(flag_values: flags.FlagValues, cell: Any) -> None:
  from flsec.experiment import preflight, round_programs

  preflight.check_components(cell.experiment)
  files = round_programs.export_round(
    cell.experiment,
    directory=pathlib.Path(flag_values.output_dir or 'hlo'),
    data_dir=experiment_flags.data_dir(flag_values.data_dir),
    num_clients=flag_values.num_clients,
  )
  for path in files:
    print(_line(path))


def _export_run(flag_values: flags.FlagValues, cell: Any) -> str:
  from flsec.experiment import preflight, run_export

  run_export.check(cell.experiment)
  preflight.check_components(cell.experiment)
  files = run_export.export_run(
    cell.experiment,
    directory=pathlib.Path(flag_values.output_dir or 'hlo') / cell.name,
    data_dir=experiment_flags.data_dir(flag_values.data_dir),
  )
  return _line(files[0])


def _write_rows(flag_values: flags.FlagValues, cell: Any) -> str:
  from flsec.experiment import exported_rows

  folder = pathlib.Path(flag_values.output_dir or 'runs')
  folder = folder / cell.experiment.name / cell.name
  exported_rows.write_run(
    cell.experiment,
    pathlib.Path(flag_values.results_dir) / f'{cell.name}.npz',
    directory=folder,
    data_dir=experiment_flags.data_dir(flag_values.data_dir),
  )
  return str(folder)


def _line(path: pathlib.Path) -> str:
  return f'{path}  {path.stat().st_size / 1024:.0f} KiB'


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
  summary="Write a run's model for Keras, or programs that XLA compiles.",
  usage='--format=keras RUN_DIR [--output=FILE]\n'
  '       flsec export --format=hlo --config=FILE.yaml [--output_dir=DIR]\n'
  '       flsec export --format=run --config=FILE.yaml [--output_dir=DIR]\n'
  '       flsec export --format=rows --config=FILE.yaml [--results_dir=DIR]',
  run=run,
  define_flags=define_flags,
  examples=(
    'flsec export --format=keras runs/quickstart/seed=1',
    'flsec export --format=hlo --config=experiments/quickstart.yaml',
    'flsec export --format=run --config=experiments/feder/table3.yaml',
  ),
)
