"""Cells one after another, in this process."""

import contextlib
import gc
import logging
import pathlib
import time
from collections.abc import Iterator, Sequence
from typing import Any, Callable, Optional

from absl import logging as absl_logging

from flsec.experiment import failure, folder_lock, run_directory
from flsec.experiment.progress import Watcher
from flsec.sweeps.task import Options, Outcome, Task

Run = Callable[..., Any]


def run(
  tasks: Sequence[Task],
  options: Options,
  run_cell: Run,
  *,
  watcher: Callable[[], Optional[Watcher]],
  begun: Callable[[Task], None],
  ended: Callable[[Outcome], None],
  is_alone: bool = False,
  fail_fast: bool = False,
) -> list[Outcome]:
  """Runs cells one after another; one that fails does not end the others.

  Args:
    tasks: the cells.
    options: how they are run.
    run_cell: `flsec.experiment.loop.run_cell`, whose import takes seconds.
    watcher: returns what a cell tells how far it is.
    begun: is called before each cell.
    ended: is called after each cell.
    is_alone: there is one cell, whose error is the caller's.
    fail_fast: end when one fails.

  Returns:
    How each cell ended.

  Raises:
    Exception: that of a cell which is alone.
    OSError: the folder of the sweep went away.
  """
  outcomes: list[Outcome] = []
  for task in tasks:
    if not is_alone:
      task.check_place()
    begun(task)
    started = time.monotonic()
    line = None
    with _logged(task, is_alone):
      try:
        run_cell(
          task.experiment,
          directory=task.directory,
          data_dir=options.data_dir,
          resume=options.resume,
          profile=options.profile,
          watcher=watcher(),
          prefixes=task.prefixes,
        )
      # Whatever goes wrong in a cell, the others go on.
      except Exception as error:
        if is_alone:
          raise
        line = failure.in_one_line(error)
        failure.note_refused(task.directory, error, task.experiment)
        absl_logging.vlog(1, '%s', failure.traced(error))
    # Graphs refer to themselves; until Python looks for such, the next cells'
    # would lie beside tens of megabytes a cell.
    gc.collect()
    outcomes.append(Outcome(task, line, {}, time.monotonic() - started))
    ended(outcomes[-1])
    if line is not None and fail_fast:
      break
  return outcomes


@contextlib.contextmanager
def _logged(task: Task, is_alone: bool) -> Iterator[None]:
  """Lets the log go into the cell's folder, too, unless another holds it.

  A run that is refused before it writes anything leaves no folder behind,
  where its error is all that is to be said.
  """
  made = [
    folder
    for folder in (task.directory, *task.directory.parents)
    if not folder.exists()
  ]
  try:
    task.directory.mkdir(parents=True, exist_ok=True)
    if folder_lock.is_held(task.directory):
      raise OSError
    handler = logging.FileHandler(task.directory / run_directory.LOG)
  except OSError:  # What is wrong with it is said when the cell is opened.
    yield
    return
  handler.setFormatter(absl_logging.PythonFormatter())
  logger = absl_logging.get_absl_logger()
  logger.addHandler(handler)
  try:
    yield
  finally:
    logger.removeHandler(handler)
    handler.close()
    log = task.directory / run_directory.LOG
    with contextlib.suppress(FileNotFoundError):  # Somebody took it away.
      if is_alone and task.directory in made and _is_all(log):
        log.unlink()
        for folder in made:
          folder.rmdir()


def _is_all(log: pathlib.Path) -> bool:
  """Tells whether a log is all that its folder holds."""
  return list(log.parent.iterdir()) == [log]
