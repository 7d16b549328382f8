"""`flsec run`: runs an experiment, or every cell of a sweep."""

import pathlib
import signal
import sys
import types
import warnings
from collections.abc import Sequence
from typing import NoReturn, Optional

from absl import flags

from flsec.commands import experiment_flags
from flsec.commands.command import Command
from flsec.config import dump, loading
from flsec.config.errors import ConfigError
from flsec.runtime import threads

_EXIT_TERMINATED = 128 + signal.SIGTERM


def define_flags(flag_values: flags.FlagValues) -> None:
  """Declares the flags of `flsec run`."""
  experiment_flags.define(flag_values)
  flags.DEFINE_multi_string(
    'sweep',
    [],
    'Run a cell for each value, as in --sweep=seed=[1,2,3]; may be given '
    'repeatedly.',
    flag_values=flag_values,
  )
  flags.DEFINE_string(
    'output_dir',
    'runs',
    'Runs are written to OUTPUT_DIR/NAME/CELL.',
    flag_values=flag_values,
  )
  flags.DEFINE_bool(
    'resume',
    True,
    'Continue an unfinished run; --noresume refuses to.',
    flag_values=flag_values,
  )
  flags.DEFINE_integer(
    'threads',
    None,
    'Clients trained at once (default: the usable cores).',
    lower_bound=1,
    flag_values=flag_values,
  )
  flags.DEFINE_bool(
    'profile',
    False,
    "Write a TensorBoard profile of this session's second and third round.",
    flag_values=flag_values,
  )


def run(flag_values: flags.FlagValues, positional: Sequence[str]) -> int:
  """Runs what is not done yet of an experiment's cells.

  Everything that can be refused is refused before the first cell starts, and
  before TensorFlow is imported where it need not be.
  """
  cells = loading.load_cells(
    experiment_flags.config_file(flag_values.config, positional),
    sets=_sets(flag_values),
    sweeps=flag_values.sweep,
    plugins=flag_values.plugin,
    seed=flag_values.seed,
  )
  root = pathlib.Path(flag_values.output_dir) / cells[0].experiment.name
  pending = [cell for cell in cells if not _is_done(cell, root / cell.name)]
  if pending:
    signal.signal(signal.SIGTERM, _terminate)
    threads.configure(pending[0].experiment.runtime.threads)
    _run_cells(pending, len(cells), root, flag_values)
  if len(cells) > 1:
    _show(root)
  return 0


def _run_cells(
  pending: Sequence[loading.Cell],
  num_cells: int,
  root: pathlib.Path,
  flag_values: flags.FlagValues,
) -> None:
  # A note for the authors of packages, not for who runs an experiment.
  warnings.filterwarnings('ignore', message='pkg_resources is deprecated')
  # TensorFlow is imported here, its threads being configured.
  from flsec.experiment import loop, preflight

  for cell in pending:
    try:
      preflight.check_components(cell.experiment)
    except ConfigError as error:
      raise error.at(cell.name) from error.__cause__

  done_before = num_cells - len(pending)
  for number, cell in enumerate(pending, done_before + 1):
    directory = root / cell.name
    count = f'[{number}/{num_cells}] ' if num_cells > 1 else ''
    _say(f'{count}{directory}')
    loop.run_cell(
      cell.experiment,
      directory=directory,
      data_dir=experiment_flags.data_dir(flag_values.data_dir),
      resume=flag_values.resume,
      profile=flag_values.profile,
    )
    _show(directory)


def _is_done(cell: loading.Cell, directory: pathlib.Path) -> bool:
  """Tells whether a cell was finished before; refuses another config's."""
  from flsec.experiment import run_directory

  if not (directory / run_directory.DONE).exists():
    return False
  run_directory.RunDirectory.open(
    directory,
    dump.to_yaml(cell.experiment),
    dump.fingerprint(cell.experiment),
    resume=True,
  ).close()
  _say(f'{directory} is done already; its report is there.')
  return True


def _show(directory: pathlib.Path) -> None:
  """Prints the tables of a finished run or of a sweep; writes its report."""
  from flsec.reporting import formats, report

  contents = report.read(directory)
  for table in contents.tables:
    _say(formats.to_text(table))
  _say(f'Report: {report.write(contents)}')


def _sets(flag_values: flags.FlagValues) -> list[str]:
  sets = list(flag_values.set)
  if flag_values.threads is not None:
    sets.append(f'runtime.threads={flag_values.threads}')
  return sets


def _terminate(number: int, frame: Optional[types.FrameType]) -> NoReturn:
  """Ends the process as Ctrl-C would, so that workers end with it."""
  del number, frame
  sys.exit(_EXIT_TERMINATED)


def _say(text: str) -> None:
  print(text, flush=True)


COMMAND = Command(
  name='run',
  summary='Run an experiment or a sweep; go on where it stopped.',
  usage='--config=FILE.yaml [--set=PATH=VALUE ...]',
  run=run,
  define_flags=define_flags,
  examples=(
    'flsec run --config=experiments/quickstart.yaml',
    'flsec run --config=experiments/quickstart.yaml --set=attack.start_round=3',
    'flsec run --config=experiments/quickstart.yaml \\',
    '    --sweep=server.aggregator=[mean,median,krum] --sweep=seed=[1,2,3]',
  ),
)
