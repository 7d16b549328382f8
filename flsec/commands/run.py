"""`flsec run`: runs an experiment, or every cell of a sweep.

Nothing outside Python's own modules is imported with this one.
"""

import pathlib
import sys
import typing
from collections.abc import Sequence

from flsec.commands import cluster_flags, experiment_flags, flags, run_flags
from flsec.commands.command import Command
from flsec.sweeps import endings, running
from flsec.sweeps.task import Options, Outcome

if typing.TYPE_CHECKING:
  from flsec.config.loading import Cell

EXIT_CELLS_FAILED = 1


def run(flag_values: flags.FlagValues, positional: Sequence[str]) -> int:
  """Runs what is not done yet of an experiment's cells.

  Everything that can be refused is refused before the first cell starts, and
  before TensorFlow is imported where it need not be.
  """
  from flsec.config import loading

  cells = loading.load_cells(
    experiment_flags.config_file(flag_values.config, positional),
    sets=run_flags.sets(flag_values),
    sweeps=flag_values.sweep,
    plugins=flag_values.plugin,
    seed=flag_values.seed,
    size=flag_values.size,
  )
  return run_cells(cells, flag_values)


def run_cells(cells: Sequence['Cell'], flag_values: flags.FlagValues) -> int:
  """Runs what is not done yet of cells of one experiment.

  Args:
    cells: at least one.
    flag_values: as of `flsec run`.

  Returns:
    The exit code.
  """
  console = run_flags.Console.of(flag_values)
  cluster_flags.check(flag_values)
  root = pathlib.Path(flag_values.output_dir) / cells[0].experiment.name
  tasks = running.tasks(cells, root)
  pending = [
    task
    for task in tasks
    if not running.is_done(task, flag_values.resume, console.say)
  ]
  outcomes: list[Outcome] = []
  if pending:
    endings.end_in_order()
    if len(tasks) > 1 and flag_values.cluster is None:
      _make(root)
    options = Options(
      data_dir=experiment_flags.data_dir(flag_values.data_dir),
      resume=flag_values.resume,
      profile=flag_values.profile,
      verbosity=console.verbosity,
    )
    cluster = None
    if flag_values.cluster is not None:
      cluster = cluster_flags.scheduler(flag_values, root)
    wishes = running.Wishes(
      say=console.say,
      show=lambda directory: _show(directory, console),
      jobs=flag_values.jobs,
      fail_fast=flag_values.fail_fast,
      is_quiet=console.is_quiet,
      cluster=cluster,
    )
    with cluster_flags.as_usage_errors():
      outcomes = running.run(pending, len(tasks), options, wishes)
  if len(tasks) > 1:
    _show(root, console)
  return _exit_code(outcomes)


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
    'flsec run FILE.yaml --cluster=tls://host:8786  # see `flsec cluster`',
  ),
)
