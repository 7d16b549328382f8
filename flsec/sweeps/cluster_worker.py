"""What a worker of a cluster does for a sweep: looks around, runs cells.

Dask runs these functions in its worker, which imports no TensorFlow: each cell
has a process of its own here, too, which ends with the worker.
"""

import dataclasses
import multiprocessing
import os
import pathlib
import subprocess
import sys
import time
from typing import Any, Callable, Optional

import distributed

from flsec.experiment import folder_lock, run_directory
from flsec.runtime import threads
from flsec.sweeps import child, same_code
from flsec.sweeps.messages import Ended, Round
from flsec.sweeps.task import Options, Task

# So long a folder may be held by the process of a worker that is gone: a file
# server on which its machine held a lock waits for a sign of life.
PATIENCE_SECONDS = 120.0
_POLL_SECONDS = 0.5
# Of a worker; Dask's words.
_ALIVE = ('running', 'paused')


@dataclasses.dataclass(frozen=True)
class Order:
  """What a worker needs to know to run a cell.

  Attributes:
    task: the cell; its folder is absolute.
    options: how it is run.
    code: what `same_code.describe` says where the sweep was started.
    directory: the folder that relative paths count from.
    topic: the events that tell how far the cell is.
    module: what the process of the cell runs.
  """

  task: Task
  options: Options
  code: dict[str, str]
  directory: str
  topic: str
  module: str = child.__name__


@dataclasses.dataclass(frozen=True)
class Result:
  """How a cell ended on a worker.

  Attributes:
    ended: None: its process died.
    exit_code: of the process.
    metrics: of its last round.
    unfit: why the worker did not run it.
  """

  ended: Optional[Ended] = None
  exit_code: Optional[int] = None
  metrics: dict[str, float] = dataclasses.field(default_factory=dict)
  unfit: Optional[str] = None


def visit(
  plugins: tuple[str, ...], code: dict[str, str], folder: str, token: str
) -> Optional[str]:
  """Returns why this worker cannot run cells of a sweep; None: it can.

  Args:
    plugins: files that the sweep's components are in.
    code: as in `Order`.
    folder: the sweep's, absolute.
    token: name and text of a file in it.
  """
  differs = same_code.difference(same_code.describe(plugins), code)
  if differs:
    return differs
  try:
    text = (pathlib.Path(folder) / token).read_text('utf-8')
  except OSError:
    text = ''
  if text != token:
    return (
      f'it does not see the folder {folder} as this machine does. Put '
      '--output_dir on a folder that all machines share'
    )
  if not os.access(folder, os.W_OK):
    return f'it may not write the folder {folder}'
  return None


def run(order: Order) -> Result:
  """Runs a cell in a process of its own, or goes on with it."""
  worker = distributed.get_worker()
  key = worker.get_current_task()

  def is_wanted() -> bool:
    # Dask cannot interrupt a function; it only no longer waits for it.
    state = worker.state.tasks.get(key)
    return (
      worker.status.name in _ALIVE
      and state is not None
      and state.state != 'cancelled'
    )

  def tell(message: Any) -> None:
    words = {'key': key, 'kind': type(message).__name__}
    worker.log_event(order.topic, {**words, **dataclasses.asdict(message)})

  plugins = order.task.experiment.plugins
  here = same_code.describe(plugins)
  wanted = {name: order.code[name] for name in here if name in order.code}
  differs = same_code.difference(here, wanted)
  if differs:  # It has changed since the visit.
    return Result(unfit=differs)
  # What holds it then is said when the cell is opened.
  wait_until_free(order.task.directory, PATIENCE_SECONDS, is_wanted)
  if (order.task.directory / run_directory.DONE).exists():
    return Result(Ended(), 0)
  cores = max(1, threads.usable_cores() // worker.state.nthreads)
  return run_process(order, cores, is_wanted, tell)


def run_process(
  order: Order,
  cores: int,
  is_wanted: Callable[[], bool],
  tell: Callable[[Any], None],
) -> Result:
  """Starts the process of a cell and waits for it.

  Not by `multiprocessing`: Dask's workers are daemons, which may not.

  Args:
    order: the cell, and where its process runs, if that is there.
    cores: its share of the machine.
    is_wanted: False ends the process.
    tell: is given what the process tells, but for how it ended.
  """
  ours, theirs = multiprocessing.Pipe()
  process = subprocess.Popen(
    [sys.executable, '-m', order.module, str(theirs.fileno())],
    pass_fds=[theirs.fileno()],
    stdin=subprocess.DEVNULL,
    cwd=order.directory if os.path.isdir(order.directory) else None,
  )
  theirs.close()
  metrics: dict[str, float] = {}
  ended: Optional[Ended] = None
  try:
    ours.send((order.task, order.options, cores))
    while is_wanted():
      if not ours.poll(_POLL_SECONDS):
        continue
      message = ours.recv()
      if isinstance(message, Ended):
        ended = message
        break
      if isinstance(message, Round):
        metrics.update(message.metrics)
      tell(message)
  except (EOFError, OSError):
    pass  # The process died; its exit code says how.
  finally:
    if ended is None and process.poll() is None and not is_wanted():
      process.terminate()
    ours.close()  # This alone ends it, should it still be at work.
    exit_code = _wait(process)
  return Result(ended, exit_code, metrics)


def _wait(process: 'subprocess.Popen[bytes]') -> int:
  try:
    return process.wait(child.GRACE_SECONDS)
  except subprocess.TimeoutExpired:
    process.kill()
    return process.wait()


def wait_until_free(
  folder: pathlib.Path,
  seconds: float,
  is_wanted: Callable[[], bool] = lambda: True,
) -> None:
  """Waits until nobody holds a cell's folder, not for ever."""
  deadline = time.monotonic() + seconds
  while (
    folder_lock.is_held(folder) and is_wanted() and time.monotonic() < deadline
  ):
    time.sleep(_POLL_SECONDS)
