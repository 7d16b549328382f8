"""Runs that are killed at a random moment, or that a small disk stops.

python tests/faults/stopped_runs.py [--kills=100] [--disks=20] [--seed=0]

A program of its own, since it forks: each run is a process that has TensorFlow
from this one, in which TensorFlow never begins.
"""

import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

if __name__ == '__main__':
  _TESTS = pathlib.Path(__file__).resolve().parents[1]
  sys.path[:0] = [str(_TESTS.parent), str(_TESTS / 'experiment')]

import numpy as np
import odd_bytes
import small_experiment

_ROUNDS = 12
# A run is killed this often at most, then it is left to end.
_MOST_KILLS = 4
# Two rounds of the small experiment, roughly.
_ROUNDS_SECONDS = 0.04


def arguments(folder, config):
  """Returns the command that runs, or goes on with, the small experiment."""
  return [
    'flsec',
    'run',
    str(config),
    f'--output_dir={folder}',
    f'--set=rounds={_ROUNDS}',
    '--verbosity=-1',
  ]


def run(words, errors, arm=lambda: None):
  """Runs the command line in a process of its own.

  Args:
    words: the command.
    errors: the file that takes what it says.
    arm: is called in the process, before anything else.

  Returns:
    Its exit code; the signal that ended it, negative.
  """
  process = os.fork()
  if process == 0:
    with open(errors, 'wb') as file:
      os.dup2(file.fileno(), 1)
      os.dup2(file.fileno(), 2)
    arm()
    os._exit(_run_here(words))
  return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def _run_here(words):
  from flsec import main
  from flsec.runtime import threads

  # TensorFlow has been imported, but has not begun.
  threads.configure = threads.settle
  try:
    main.run_app(words)
  except SystemExit as ended:
    code = ended.code
  except BaseException:
    sys.excepthook(*sys.exc_info())
    code = 1
  sys.stdout.flush()
  sys.stderr.flush()
  return code or 0


def kill_after(seconds):
  """Ends this process after a time, as SIGKILL does: nothing handles it."""
  signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-6))


def kill_in_round(number, seconds):
  """Ends this process so long after it began to write a session's row."""
  from flsec.experiment import metric_writer

  written, write = [], metric_writer.MetricWriter.write_row

  def counted(*arguments):
    written.append(1)
    if len(written) == number:
      kill_after(seconds)
    write(*arguments)

  metric_writer.MetricWriter.write_row = counted


def moment(rng, whole_seconds):
  """Draws when to kill: anywhere in a run, or about where a row is written."""
  if rng.random() < 0.4:
    seconds = rng.uniform(0, 1.1 * whole_seconds)
    return lambda: kill_after(seconds)
  number, seconds = int(rng.integers(1, 6)), rng.uniform(0, _ROUNDS_SECONDS)
  return lambda: kill_in_round(number, seconds)


def outcome(folder):
  """Returns what has to be the same however often a run was stopped."""
  (cell,) = folder.rglob('metrics.jsonl')
  rows = [json.loads(line) for line in cell.read_text().splitlines()]
  newest = max(cell.parent.glob('checkpoints/*.npz'))
  with np.load(newest) as archive:
    leaves = {
      name: archive[name].tobytes()
      for name in archive.files
      if name != 'manifest'
    }
  kept = [
    {k: v for k, v in row.items() if not k.startswith('time/')} for row in rows
  ]
  return repr(kept), newest.name, leaves


def kill_and_resume(place, config, whole, rng):
  """Kills a run at random moments, then lets it end.

  Args:
    place: a new folder.
    config: of the run.
    whole: (seconds that it takes, its outcome), where nothing kills it.
    rng: of the moments.

  Returns:
    (how often it was killed, a complaint or '').
  """
  errors = place.with_suffix('.txt')
  num_kills = 0
  for _ in range(_MOST_KILLS):
    code = run(arguments(place, config), errors, moment(rng, whole[0]))
    if code != -signal.SIGALRM:
      break
    num_kills += 1
  else:
    code = run(arguments(place, config), errors)
  if code:
    return num_kills, f'ended with {code}: {errors.read_text()}'
  if outcome(place) != whole[1]:
    return num_kills, 'differs from the run that was not killed'
  return num_kills, ''


def kills(seed, count):
  """Kills and resumes runs; returns how many did not come out the same.

  Args:
    seed: of the moments.
    count: how many kills there are to be at least.
  """
  found = done = number = 0
  with tempfile.TemporaryDirectory(prefix='flsec-kills-') as name:
    root = pathlib.Path(name)
    config = root / 'small.yaml'
    small_experiment.write(config)
    start = time.monotonic()
    code = run(arguments(root / 'whole', config), root / 'whole.txt')
    assert code == 0, (root / 'whole.txt').read_text()
    whole = time.monotonic() - start, outcome(root / 'whole')
    while done < count:
      rng = odd_bytes.seeded(seed, 'kill', number)
      killed, wrong = kill_and_resume(root / str(number), config, whole, rng)
      done += killed
      if wrong:
        found += 1
        print(f'FOUND: run {number} of seed {seed}: {wrong}', flush=True)
      number += 1
  print(f'{"kills":15} {done} of {number} runs', flush=True)
  return found


def disk_run(folder, kilobytes, config):
  """Runs on a file system of a size.

  Returns:
    (whether that stopped the run, a complaint or '').
  """
  folder.mkdir()
  size = f'size={kilobytes}k'
  mount = ['mount', '-t', 'tmpfs', '-o', size, 'tmpfs', str(folder)]
  subprocess.run(mount, check=True, capture_output=True)
  errors = folder.with_suffix('.txt')
  try:
    code = run(arguments(folder / 'runs', config), errors)
    left = [str(path) for path in folder.rglob('*.partial')]
  finally:
    subprocess.run(['umount', str(folder)], check=True)
  if left:
    return code != 0, f'left {left} behind'
  if code == 0:
    return False, ''
  text = errors.read_text()
  lines = [line for line in text.splitlines() if 'flsec: ' in line]
  if 'Traceback' in text or len(lines) != 1:
    return True, f'ended with {code}: {text}'
  return True, '' if 'disk' in lines[0] or 'space' in lines[0] else lines[0]


def disks(seed, count):
  """Runs on file systems of random sizes; returns how many ended badly."""
  found = stopped = 0
  with tempfile.TemporaryDirectory(prefix='flsec-disks-') as place:
    root = pathlib.Path(place)
    config = root / 'small.yaml'
    small_experiment.write(config)
    for number in range(count):
      rng = odd_bytes.seeded(seed, 'disk', number)
      kilobytes = int(2 ** rng.uniform(3, 12))
      try:
        was_stopped, wrong = disk_run(
          root / f'disk_{number}', kilobytes, config
        )
      except (OSError, subprocess.CalledProcessError) as error:
        print(f'No small file system may be made here: {error}')
        return found
      stopped += was_stopped
      if wrong:
        found += 1
        print(f'FOUND: {kilobytes} KiB: {wrong}', flush=True)
  print(f'{"small disks":15} {count}, {stopped} of them too small', flush=True)
  return found


def main():
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--kills', type=int, default=0)
  parser.add_argument('--disks', type=int, default=0)
  parser.add_argument('--seed', type=int, default=0)
  options = parser.parse_args()
  os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
  from flsec.sweeps import warm  # noqa: F401

  found = kills(options.seed, options.kills) if options.kills else 0
  if options.disks:
    found += disks(options.seed, options.disks)
  return 1 if found else 0


if __name__ == '__main__':
  sys.exit(main())
