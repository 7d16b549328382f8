"""Cells side by side, each in a process of its own.

The processes are forked from one that has imported TensorFlow but not begun to
use it (`flsec.sweeps.warm`). A cell's memory goes with its process, so that a
sweep of many takes no more than one of few. However this process ends, theirs
end with it.
"""

import collections
import contextlib
import dataclasses
import multiprocessing
import os
import signal
import sys
import time
import types
from collections.abc import Iterable, Iterator, Sequence
from multiprocessing import connection as connections
from typing import Any, Callable, Optional

from flsec.experiment import failure
from flsec.sweeps import child
from flsec.sweeps.capacity import Capacity
from flsec.sweeps.display import Display
from flsec.sweeps.messages import Assembled, Begun, Ended, Round
from flsec.sweeps.task import Options, Outcome, Task

_WARM = 'flsec.sweeps.warm'
_REFRESH_SECONDS = 1.0


@dataclasses.dataclass
class _Running:
  """A cell that is being run."""

  task: Task
  process: Any
  started: float
  metrics: dict[str, float] = dataclasses.field(default_factory=dict)
  ended: Optional[Ended] = None


def check(tasks: Sequence[Task], options: Options) -> None:
  """Refuses cells that cannot be run, before any is.

  Raises:
    ConfigError: of the first one.
    RuntimeError: the process that checks them died.
  """
  context = _context()
  receiver, sender = context.Pipe(duplex=False)
  process = context.Process(
    target=child.check, args=(list(tasks), options, sender)
  )
  with _hidden_program():
    process.start()
  sender.close()
  try:
    found = receiver.recv()
  except EOFError:
    process.join()
    raise RuntimeError(
      f'The process that checks the cells {death(process.exitcode)}.'
    ) from None
  finally:
    _end([process])
  if found is not None:
    index, refused = found
    raise refused.error(tasks[index].name)


def run(
  tasks: Sequence[Task],
  options: Options,
  capacity: Capacity,
  display: Display,
  *,
  fail_fast: bool = False,
  run_cell: Callable[[Task, Options, int, Any], None] = child.run,
) -> list[Outcome]:
  """Runs cells side by side.

  Args:
    tasks: the cells.
    options: how they are run.
    capacity: how many at once.
    display: shows how far they are.
    fail_fast: end the others, which may go on later, when one fails.
    run_cell: what each process does: see `child.run`.

  Returns:
    How each cell ended, in the order in which they did.

  Raises:
    OSError: the folder of the sweep went away.
  """
  context = _context()
  waiting = collections.deque(tasks)
  running: dict[Any, _Running] = {}
  outcomes: list[Outcome] = []
  try:
    while waiting or running:
      while len(running) < capacity.limit:
        task = next_task(waiting, (one.task for one in running.values()))
        if task is None:
          break
        task.check_place()
        arguments = (task, options, capacity.share)
        running.update(_start(context, run_cell, *arguments))
        display.started(task)
      for receiver in connections.wait(list(running), _REFRESH_SECONDS):
        one = running[receiver]
        if _listen(receiver, one, capacity, display):
          continue
        del running[receiver]
        _end([one.process])
        if one.ended and one.ended.lacks_memory and running:
          # It is tried again when there is more.
          capacity.shrink(len(running))
          waiting.appendleft(one.task)
          continue
        outcomes.append(_outcome(one))
        display.ended(outcomes[-1])
        if fail_fast and outcomes[-1].failure is not None:
          return outcomes
      display.refresh()
  finally:
    _end([one.process for one in running.values()])
  return outcomes


@contextlib.contextmanager
def _hidden_program() -> Iterator[None]:
  """Keeps new processes from running the program that starts them once more.

  They would import it, as multiprocessing does for the sake of functions that
  it defines, and a script that calls `flsec.sweep` would do so in each again.
  """
  program = sys.modules['__main__']
  sys.modules['__main__'] = types.ModuleType('__main__')
  try:
    yield
  finally:
    sys.modules['__main__'] = program


def next_task(
  waiting: collections.deque[Task], running: Iterable[Task]
) -> Optional[Task]:
  """Takes out a task that need not wait for rounds that another one trains.

  Args:
    waiting: changed in place.
    running: those that are being run.

  Returns:
    The task; None: all have to wait.
  """
  trained = {
    prefix
    for one in running
    for prefix in one.prefixes
    if not prefix.is_complete
  }
  for task in waiting:
    if trained.isdisjoint(task.prefixes):
      waiting.remove(task)
      return task
  return None


def _context() -> Any:
  os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
  context = multiprocessing.get_context('forkserver')
  context.set_forkserver_preload([_WARM])
  return context


def _start(
  context: Any, run_cell: Any, task: Task, options: Options, cores: int
) -> dict[Any, _Running]:
  receiver, sender = context.Pipe(duplex=False)
  process = context.Process(
    target=run_cell, args=(task, options, cores, sender), name=task.name
  )
  with _hidden_program():
    process.start()
  # Only the child holds the other end now: when it dies, this one tells.
  sender.close()
  return {receiver: _Running(task, process, time.monotonic())}


def _listen(
  receiver: Any, one: _Running, capacity: Capacity, display: Display
) -> bool:
  """Takes one message; returns whether there may be more."""
  try:
    message = receiver.recv()
  except (EOFError, OSError):
    receiver.close()
    return False
  if isinstance(message, Assembled):
    capacity.learn(message.bytes, message.device)
  elif isinstance(message, Begun):
    display.begun(one.task, message.num_rounds, message.finished)
  elif isinstance(message, Round):
    one.metrics.update(message.metrics)
    display.round(one.task, message.number)
  else:
    one.ended = message
  return True


def _outcome(one: _Running) -> Outcome:
  line = one.ended.failure if one.ended else None
  if one.ended is None:
    line = f'its process {death(one.process.exitcode)}'
    with contextlib.suppress(OSError, ValueError):
      failure.note_of_the_dead(one.task.directory, line)
  seconds = time.monotonic() - one.started
  return Outcome(one.task, line, one.metrics, seconds)


def death(exit_code: Optional[int]) -> str:
  """Says how a process ended before it told."""
  if exit_code is not None and exit_code < 0:
    name = signal.Signals(-exit_code).name
    why = ' (out of memory?)' if exit_code == -signal.SIGKILL else ''
    return f'was ended by {name}{why}'
  return f'ended with exit code {exit_code}'


def _end(processes: Sequence[Any]) -> None:
  """Ends processes and waits for them; at last by force."""
  for process in processes:
    if process.is_alive():
      process.terminate()
  deadline = time.monotonic() + child.GRACE_SECONDS
  for process in processes:
    process.join(max(0.0, deadline - time.monotonic()))
    if process.is_alive():
      process.kill()
      process.join()
