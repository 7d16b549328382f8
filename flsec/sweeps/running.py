"""Runs the cells of an experiment, one after another or side by side.

Nothing outside Python's own modules is imported with this one.
"""

import contextlib
import dataclasses
import pathlib
import shutil
import typing
import warnings
from collections.abc import Sequence
from typing import Callable, Optional

from flsec.config.errors import ConfigError
from flsec.runtime import available_memory, importing, threads
from flsec.sweeps.task import Options, Outcome, Task

if typing.TYPE_CHECKING:
  from flsec.config import loading


@dataclasses.dataclass(frozen=True)
class Scheduler:
  """A Dask cluster that runs cells.

  Attributes:
    address: tcp://host:port, or tls://host:port.
    key: of the cluster, which only tls takes.
    root: the sweep's folder, which the workers must see.
  """

  address: str
  key: pathlib.Path
  root: pathlib.Path


@dataclasses.dataclass(frozen=True)
class Wishes:
  """How the caller wants cells to be run, and what is told meanwhile.

  Attributes:
    say: shows a line.
    show: shows what a finished cell came to, given its folder.
    jobs: cells at once; None: as many as there are cores and memory for.
    fail_fast: whether a cell that fails ends the others.
    is_quiet: whether progress is hidden.
    cluster: whose workers run the cells; None: this machine does.
    configure: sets TensorFlow's threads before the first cell of this process.
    owns_process: whether this process does nothing else.
  """

  say: Callable[[str], None]
  show: Callable[[pathlib.Path], None]
  jobs: Optional[int] = None
  fail_fast: bool = False
  is_quiet: bool = False
  cluster: Optional[Scheduler] = None
  configure: Callable[[Optional[int]], int] = lambda n: threads.configure(n)
  owns_process: bool = True


def is_done(task: Task, resume: bool, say: Callable[[str], None]) -> bool:
  """Tells whether a cell was finished before; refuses a folder not its own."""
  from flsec.config import dump
  from flsec.experiment import folder_lock, run_directory

  directory = task.directory
  text = dump.to_yaml(task.experiment)
  fingerprint = dump.fingerprint(task.experiment)
  if run_directory.check(directory, text, fingerprint, resume) == 'done':
    say(f'{directory} is done already; its report is there.')
    return True
  if folder_lock.is_held(directory):
    raise folder_lock.held(directory)
  return False


def tasks(cells: 'Sequence[loading.Cell]', root: pathlib.Path) -> list[Task]:
  """Returns the cells as tasks, those first that train for others.

  Args:
    cells: all of a sweep.
    root: its folder.
  """
  from flsec.sweeps import prefixes

  experiments = [cell.experiment for cell in cells]
  shared = prefixes.find(experiments, root)
  return [
    Task(cells[i].name, root / cells[i].name, experiments[i], shared[i])
    for i in prefixes.in_order(experiments, shared)
  ]


def run(
  pending: Sequence[Task], num_cells: int, options: Options, wishes: Wishes
) -> list[Outcome]:
  """Runs cells, side by side where that may be faster.

  Args:
    pending: the cells that are not done yet, at least one.
    num_cells: those that are, included.
    options: how each is run.
    wishes: of the caller.

  Returns:
    How each ended. Where none failed, what they had in common (see
    `flsec.sweeps.prefixes`) is in each of them, and its folder is gone.

  Raises:
    ConfigError: one of them cannot be run; then none is.
    ClusterError: the cluster cannot be used, or is gone.
    Exception: that of a cell which is the only one.
  """
  from flsec.sweeps import prefixes

  outcomes = _run(pending, num_cells, options, wishes)
  if not any(outcome.failure for outcome in outcomes):
    folder = pending[0].directory.parent / prefixes.FOLDER
    shutil.rmtree(folder, ignore_errors=True)
  return outcomes


def _run(
  pending: Sequence[Task], num_cells: int, options: Options, wishes: Wishes
) -> list[Outcome]:
  if wishes.cluster is not None:
    return _on_cluster(wishes.cluster, pending, num_cells, options, wishes)
  from flsec.sweeps.capacity import Capacity

  capacity = Capacity(
    threads.usable_cores(),
    len(pending),
    wanted=wishes.jobs,
    threads=pending[0].experiment.runtime.threads,
    available_bytes=available_memory.available_bytes,
  )
  if capacity.most == 1:
    return _one_by_one(pending, num_cells, options, wishes)
  from flsec.sweeps import processes
  from flsec.sweeps.display import Display

  processes.check(pending, options)
  display = Display(
    pending, done_before=num_cells - len(pending), is_quiet=wishes.is_quiet
  )
  with contextlib.closing(display):
    return processes.run(
      pending, options, capacity, display, fail_fast=wishes.fail_fast
    )


def _on_cluster(
  scheduler: Scheduler,
  pending: Sequence[Task],
  num_cells: int,
  options: Options,
  wishes: Wishes,
) -> list[Outcome]:
  from flsec.sweeps import cluster, cluster_client, processes
  from flsec.sweeps.display import Display

  with cluster_client.connect(scheduler.address, scheduler.key) as client:
    processes.check(pending, options)
    display = Display(
      pending, done_before=num_cells - len(pending), is_quiet=wishes.is_quiet
    )
    with contextlib.closing(display):
      sweep = cluster.Sweep(client, scheduler.root, pending, options, display)
      return sweep.run(fail_fast=wishes.fail_fast)


def _one_by_one(
  pending: Sequence[Task], num_cells: int, options: Options, wishes: Wishes
) -> list[Outcome]:
  wishes.configure(pending[0].experiment.runtime.threads)
  # A note for the authors of packages, not for who runs an experiment.
  warnings.filterwarnings('ignore', message='pkg_resources is deprecated')
  # TensorFlow is imported here, its threads being configured.
  with importing.swift(owns_process=wishes.owns_process):
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
    wishes.say(f'{count}{task.directory}')

  def ended(outcome: Outcome) -> None:
    if outcome.failure is None:
      wishes.show(outcome.task.directory)
    elif num_cells > 1:
      wishes.say(f'{outcome.task.name}: FAILED: {outcome.failure}')

  return one_by_one.run(
    pending,
    options,
    loop.run_cell,
    watcher=Watcher if wishes.is_quiet else lambda: None,
    begun=begun,
    ended=ended,
    is_alone=num_cells == 1,
    fail_fast=wishes.fail_fast,
  )
