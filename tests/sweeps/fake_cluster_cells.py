"""The process of a cell that trains nothing, on a worker of a cluster."""

import os
import signal
import sys

import fake_cells

from flsec.experiment import folder_lock
from flsec.sweeps import child


def run_cell(task, options, cores, connection):
  """Holds the cell's folder, as a run does; may take its worker with it.

  `kill_worker:2` in the description does so twice, and goes on then.
  """
  child._prepare(options, cores, None, [])
  folder_lock.make(task.directory)
  lock = folder_lock.acquire(task.directory)
  for word in task.experiment.description.split():
    action, _, value = word.partition(':')
    killed = list(task.directory.glob('killed_*'))
    if action == 'kill_worker' and len(killed) < int(value):
      (task.directory / f'killed_{len(killed)}').write_text(str(os.getpid()))
      os.kill(os.getppid(), signal.SIGKILL)
      while True:  # Until it is ended, since its worker is.
        signal.pause()
  (task.directory / 'worker').write_text(str(os.getppid()))
  try:
    fake_cells.run_cell(task, options, cores, connection)
  finally:
    folder_lock.release(lock)


if __name__ == '__main__':
  child.main(int(sys.argv[1]), run_cell)
