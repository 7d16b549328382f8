"""Cells that train nothing, for the processes of tests.

A cell's `description` says what it does, a word after the other.
"""

import os
import pathlib
import shutil
import signal
import sys

from flsec.config import schema
from flsec.sweeps import capacity, child, endings, messages, processes
from flsec.sweeps.display import Display
from flsec.sweeps.task import Options, Task

OPTIONS = Options(data_dir='')


def task(root, name, does='', **fields):
  """Returns a task whose process does this."""
  experiment = schema.Experiment(
    name='fake', rounds=3, dataset=None, model=None, clients=None,
    description=does, **fields,
  )  # fmt: skip
  return Task(name, pathlib.Path(root) / name, experiment)


def run_cell(task, options, cores, connection):
  """Does what the task's description says."""
  child._prepare(options, cores, None, [])
  task.directory.mkdir(parents=True, exist_ok=True)
  for word in task.experiment.description.split():
    action, _, value = word.partition(':')
    if action == 'die':
      os.kill(os.getpid(), getattr(signal, value))
    if action == 'exit':
      sys.exit(int(value))
    if action == 'take_away':
      shutil.rmtree(task.directory.parent)
    if action == 'needs':
      connection.send(messages.Assembled(int(value), '/CPU:0'))
    if action == 'round':
      connection.send(messages.Round(int(value), {'test/accuracy': 0.5}))
    if action == 'wait':
      (task.directory / 'pid').write_text(str(os.getpid()))
      connection.send(messages.Begun(3, 0))
      while True:
        signal.pause()
    if action == 'fail':
      connection.send(messages.Ended(value))
      sys.exit(1)
    # Until a file is in the sweep's folder.
    if action == 'await':
      while not (task.directory.parent / value).exists():
        os.sched_yield()
    # Fails for want of memory until as many others are through.
    if action == 'starve':
      others = list(task.directory.parent.glob('*/through'))
      if len(others) < int(value):
        connection.send(messages.Ended('not enough memory', True))
        sys.exit(1)
  (task.directory / 'cores').write_text(str(cores))
  (task.directory / 'through').touch()
  connection.send(messages.Ended())


def capacity_of(cores, num_tasks, **options):
  """Returns the capacity of a machine with a thousand bytes."""
  return capacity.Capacity(
    cores, num_tasks, available_bytes=lambda: 1000, **options
  )


class _Telling(Display):
  """Says which cells have begun."""

  def begun(self, task, num_rounds, finished):
    print(f'{task.name}: begun', file=sys.stderr, flush=True)


def main(root):
  """Runs two cells that never end; the test ends this process."""
  tasks = [task(root, name, 'wait') for name in 'ab']
  endings.end_in_order()
  display = _Telling(tasks)
  try:
    processes.run(
      tasks, OPTIONS, capacity_of(2, 2, wanted=2), display, run_cell=run_cell
    )
  except KeyboardInterrupt:
    sys.exit(130)


if __name__ == '__main__':
  import fake_cells  # The processes know no program by its name.

  processes._WARM = 'fake_cells'
  fake_cells.main(sys.argv[1])
