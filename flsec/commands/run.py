"""`flsec run`: runs an experiment, or every cell of a sweep.

Nothing outside Python's own modules is imported with this one.
"""

import pathlib
import sys
import warnings
from collections.abc import Sequence

from flsec.commands import experiment_flags, flags, run_flags
from flsec.commands.command import Command
from flsec.config.errors import ConfigError
from flsec.runtime import available_memory, threads
from flsec.sweeps import endings
from flsec.sweeps.task import Options, Outcome, Task

EXIT_CELLS_FAILED = 1


def run(flag_values: flags.FlagValues, positional: Sequence[str]) -> int:
  """Runs what is not done yet of an experiment's cells.

  Everything that can be refused is refused before the first cell starts, and
  before TensorFlow is imported where it need not be.
  """
  from flsec.config import loading

  console = run_flags.Console.of(flag_values)
  cells = loading.load_cells(
    experiment_flags.config_file(flag_values.config, positional),
    sets=run_flags.sets(flag_values),
    sweeps=flag_values.sweep,
    plugins=flag_values.plugin,
    seed=flag_values.seed,
    size=flag_values.size,
  )
  root = pathlib.Path(flag_values.output_dir) / cells[0].experiment.name
  tasks = [Task(cell.name, root / cell.name, cell.experiment) for cell in cells]
  pending = [
    task for task in tasks if not _is_done(task, flag_values.resume, console)
  ]
  outcomes: list[Outcome] = []
  if pending:
    endings.end_in_order()
    if len(tasks) > 1:
      _make(root)
    options = Options(
      data_dir=experiment_flags.data_dir(flag_values.data_dir),
      resume=flag_values.resume,
      profile=flag_values.profile,
      verbosity=console.verbosity,
    )
    outcomes = _run(pending, len(tasks), options, flag_values, console)
  if len(tasks) > 1:
    _show(root, console)
  return _exit_code(outcomes)


def _run(
  pending: Sequence[Task],
  num_cells: int,
  options: Options,
  flag_values: flags.FlagValues,
  console: run_flags.Console,
) -> list[Outcome]:
  """Runs cells side by side where that may be faster."""
  from flsec.sweeps.capacity import Capacity

  capacity = Capacity(
    threads.usable_cores(),
    len(pending),
    wanted=flag_values.jobs,
    threads=pending[0].experiment.runtime.threads,
    available_bytes=available_memory.available_bytes,
  )
  if capacity.most == 1:
    return _one_by_one(
      pending, num_cells, options, flag_values.fail_fast, console
    )
  from flsec.sweeps import processes
  from flsec.sweeps.display import Display

  processes.check(pending, options)
  display = Display(
    pending, done_before=num_cells - len(pending), is_quiet=console.is_quiet
  )
  try:
    return processes.run(
      pending, options, capacity, display, fail_fast=flag_values.fail_fast
    )
  finally:
    display.close()


def _one_by_one(
  pending: Sequence[Task],
  num_cells: int,
  options: Options,
  fail_fast: bool,
  console: run_flags.Console,
) -> list[Outcome]:
  threads.configure(pending[0].experiment.runtime.threads)
  # A note for the authors of packages, not for who runs an experiment.
  warnings.filterwarnings('ignore', message='pkg_resources is deprecated')
  # TensorFlow is imported here, its threads being configured.
  from flsec.experiment import loop, preflight
  from flsec.experiment.progress import Watcher
  from flsec.sweeps import one_by_one

  for task in pending:
    try:
      preflight.check_components(task.experiment)
    except ConfigError as error:
      raise error.at(task.name) from error.__cause__
  numbers = iter(range(num_cells - len(pending) + 1, num_cells + 1))

  def begun(task: Task) -> None:
    count = f'[{next(numbers)}/{num_cells}] ' if num_cells > 1 else ''
    console.say(f'{count}{task.directory}')

  def ended(outcome: Outcome) -> None:
    if outcome.failure is None:
      _show(outcome.task.directory, console)
    elif num_cells > 1:
      console.say(f'{outcome.task.name}: FAILED: {outcome.failure}')

  return one_by_one.run(
    pending,
    options,
    loop.run_cell,
    watcher=Watcher if console.is_quiet else lambda: None,
    begun=begun,
    ended=ended,
    is_alone=num_cells == 1,
    fail_fast=fail_fast,
  )


def _is_done(task: Task, resume: bool, console: run_flags.Console) -> bool:
  """Tells whether a cell was finished before; refuses a folder not its own."""
  from flsec.config import dump
  from flsec.experiment import folder_lock, run_directory

  directory = task.directory
  text = dump.to_yaml(task.experiment)
  fingerprint = dump.fingerprint(task.experiment)
  if run_directory.check(directory, text, fingerprint, resume) == 'done':
    console.say(f'{directory} is done already; its report is there.')
    return True
  if folder_lock.is_held(directory):
    raise folder_lock.held(directory)
  return False


def _show(directory: pathlib.Path, console: run_flags.Console) -> None:
  """Prints the tables of a finished run or of a sweep; writes its report."""
  from flsec.reporting import formats, report

  contents = report.read(directory)
  for table in contents.tables:
    console.say(formats.to_text(table))
  console.say(f'Report: {report.write(contents)}')


def _exit_code(outcomes: Sequence[Outcome]) -> int:
  """Names the cells that failed, and returns whether any did."""
  failed = [one for one in outcomes if one.failure is not None]
  if not failed:
    return 0
  print(
    f'flsec: {len(failed)} of {len(outcomes)} cells failed:', file=sys.stderr
  )
  for one in failed:
    print(f'  {one.task.directory}: {one.failure}', file=sys.stderr)
  print(
    'Each has a log.txt. The same command tries them again.', file=sys.stderr
  )
  return EXIT_CELLS_FAILED


def _make(root: pathlib.Path) -> None:
  from flsec.experiment import folder_lock

  folder_lock.make(root)


COMMAND = Command(
  name='run',
  summary='Run an experiment or a sweep; go on where it stopped.',
  usage='FILE.yaml [--set=PATH=VALUE ...]',
  run=run,
  define_flags=run_flags.define,
  examples=(
    'flsec run experiments/quickstart.yaml',
    'flsec run experiments/quickstart.yaml --set=attack.start_round=3',
    'flsec run experiments/quickstart.yaml \\',
    '    --sweep=server.aggregator=[mean,median,krum] --sweep=seed=[1,2,3]',
  ),
)
