"""What the process of one cell does."""

import contextlib
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterable
from multiprocessing import connection as connections
from multiprocessing import process
from typing import Any, Callable, NoReturn, Optional

from absl import logging

from flsec import registry
from flsec.config.errors import ConfigError
from flsec.experiment import failure, folder_lock, run_directory
from flsec.runtime import available_memory, threads
from flsec.sweeps import endings
from flsec.sweeps.messages import Ended, Refused, Sender
from flsec.sweeps.task import Options, Task

EXIT_FAILED = 1
_EXIT_TERMINATED = 128 + signal.SIGTERM
# After this long a process that was told to end is ended.
GRACE_SECONDS = 10.0


def check(tasks: list[Task], options: Options, connection: Any) -> None:
  """Tells of each cell that cannot be run, in order; then that it is through.

  Args:
    tasks: the cells.
    options: how they will be run.
    connection: where it is told: `(task's index, Refused)`, then None.
  """
  _prepare(options, 1, None, [p for t in tasks for p in t.experiment.plugins])
  from flsec.experiment import preflight

  for index, task in enumerate(tasks):
    try:
      preflight.check_components(task.experiment)
    except ConfigError as error:
      connection.send((index, Refused(error.path, error.message)))
  connection.send(None)


def run(task: Task, options: Options, cores: int, connection: Any) -> None:
  """Runs a cell and writes its report; the log goes into its folder.

  Args:
    task: the cell.
    options: how it is run.
    cores: its share of the machine.
    connection: where it is told how far the run is; `Ended` comes last.
  """
  _log_into(task)
  runtime = task.experiment.runtime
  _prepare(options, cores, runtime.threads, task.experiment.plugins)
  from flsec.experiment import loop
  from flsec.reporting import report
  from flsec.runtime import memory

  try:
    loop.run_cell(
      task.experiment,
      directory=task.directory,
      data_dir=options.data_dir,
      resume=options.resume,
      profile=options.profile,
      watcher=Sender(connection, available_memory.own_bytes),
      prefixes=task.prefixes,
    )
    report.write_report(task.directory)
  # Whatever goes wrong in a cell, the others go on.
  except Exception as error:
    print(failure.traced(error), file=sys.stderr, flush=True)
    failure.note_refused(task.directory, error, task.experiment)
    connection.send(
      Ended(
        failure.in_one_line(error),
        isinstance(error, memory.NotEnoughMemoryError),
      )
    )
    sys.exit(EXIT_FAILED)
  connection.send(Ended())


def main(descriptor: int, run_cell: Callable[..., None] = run) -> None:
  """Runs the cell that another process tells of; see `run_process`.

  Args:
    descriptor: of a connection to the process that started this one, and with
      which it ends.
    run_cell: see `run`.
  """
  os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
  # As in `flsec.sweeps.warm`.
  warnings.filterwarnings('ignore', message='pkg_resources is deprecated')
  connection = connections.Connection(descriptor)
  arguments = connection.recv()
  # Nothing more comes, until the other end is closed.
  threading.Thread(target=_end_with, args=[connection], daemon=True).start()
  run_cell(*arguments, connection)


def _prepare(
  options: Options,
  cores: int,
  num_threads: Optional[int],
  plugins: Iterable[str],
) -> None:
  """Makes this process one of a sweep's: it ends with the one that began it."""
  # Ctrl-C and the terminal's end go to all processes of it; the first one ends
  # the others.
  signal.signal(signal.SIGINT, signal.SIG_IGN)
  signal.signal(signal.SIGHUP, signal.SIG_IGN)
  endings.end_in_order()
  threading.Thread(target=_end_with_parent, daemon=True).start()
  logging.use_absl_handler()
  logging.set_verbosity(options.verbosity)
  threads.take_share(cores, num_threads)
  for plugin in plugins:
    registry.add_plugin(plugin)


def _end_with_parent() -> None:
  parent = process.parent_process()
  if parent is not None:
    _end_with(parent.sentinel)


def _end_with(sentinel: Any) -> NoReturn:
  connections.wait([sentinel])
  os.kill(os.getpid(), signal.SIGTERM)
  # The main thread may be inside TensorFlow for long.
  time.sleep(GRACE_SECONDS)
  os._exit(_EXIT_TERMINATED)


def _log_into(task: Task) -> None:
  """Lets all that is printed here go to the log in the cell's folder.

  Nothing is written into a folder that another process holds; it is told
  later, by name.
  """
  path = os.devnull
  with contextlib.suppress(OSError):
    task.directory.mkdir(parents=True, exist_ok=True)
    if not folder_lock.is_held(task.directory):
      path = str(task.directory / run_directory.LOG)
  flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
  with contextlib.suppress(OSError):
    log = os.open(path, flags, 0o666)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)


if __name__ == '__main__':
  main(int(sys.argv[1]))
