"""Tries odd inputs, kills and small disks on flsec, for as long as is wished.

python tests/faults/campaign.py [--minutes=30] [--seed=0] [--kills=10]
    [--disks=10] [--only=SUBJECT,...] [--input=N]

Prints how many inputs of each subject were accepted and refused, and every
finding with the command that shows it again. Ends with 1 where there is one.
"""

import argparse
import pathlib
import resource
import subprocess
import sys
import tempfile
import time
import traceback

if __name__ == '__main__':
  _TESTS = pathlib.Path(__file__).resolve().parents[1]
  _ROOMS = ('', 'config', 'data', 'aggregators', 'experiment', 'federated')
  sys.path[:0] = [str(_TESTS.parent), *(str(_TESTS / room) for room in _ROOMS)]

import odd_bytes
import subjects
from absl import logging

FOUND = 'findings'
# Inputs of one subject before the next has its turn.
_TURN = 20
# Of addresses; more is a MemoryError, and so a finding.
_MEMORY_BYTES = 16 * 2**30


def try_one(name, seed, number, folder):
  """Tries one input; returns what was seen, and of a finding its traceback."""
  rng = odd_bytes.seeded(seed, name, number)
  try:
    return subjects.SUBJECTS[name](rng, folder), ''
  except Exception:
    return FOUND, traceback.format_exc(limit=-4)


def run(names, seed, is_over):
  """Tries inputs of all subjects in turn until `is_over(tried)`.

  Yields:
    (subject, number of the input, what was seen, traceback).
  """
  with tempfile.TemporaryDirectory(prefix='flsec-faults-') as place:
    number = 0
    while True:
      for name in names:
        folder = pathlib.Path(place) / name
        folder.mkdir(exist_ok=True)
        for one in range(number, number + _TURN):
          if is_over():
            return
          yield name, one, *try_one(name, seed, one, folder)
      number += _TURN


def stopped(seed, kills, disks):
  """Kills runs, and runs on small disks; returns the number of findings.

  By a program of its own: this process may have TensorFlow's threads.
  """
  if not kills and not disks:
    return 0
  program = pathlib.Path(__file__).with_name('stopped_runs.py')
  ended = subprocess.run(
    [
      sys.executable,
      str(program),
      f'--seed={seed}',
      f'--kills={kills}',
      f'--disks={disks}',
    ],
    stdout=subprocess.PIPE,
    text=True,
    check=False,
  )
  print(ended.stdout, end='', flush=True)
  found = ended.stdout.count('FOUND: ')
  if ended.returncode not in (0, 1) or (ended.returncode == 1) != bool(found):
    raise RuntimeError(f'{program.name} ended with {ended.returncode}')
  return found


def _parsed():
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--minutes', type=float, default=1.0)
  parser.add_argument('--seed', type=int, default=0)
  parser.add_argument('--kills', type=int, default=0)
  parser.add_argument('--disks', type=int, default=0)
  parser.add_argument('--only', default=','.join(subjects.SUBJECTS))
  parser.add_argument('--input', type=int, help='try this one input alone')
  return parser.parse_args()


def main():
  options = _parsed()
  logging.set_verbosity(logging.FATAL)
  resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
  names = options.only.split(',')
  counts = {name: {} for name in names}
  end = time.monotonic() + 60 * options.minutes
  if options.input is not None:
    with tempfile.TemporaryDirectory() as place:
      for name in names:
        folder = pathlib.Path(place)
        print(*try_one(name, options.seed, options.input, folder), sep='\n')
    return 0
  for name, number, seen, trace in run(
    names, options.seed, lambda: time.monotonic() > end
  ):
    counts[name][seen] = counts[name].get(seen, 0) + 1
    if seen == FOUND:
      print(
        f'FOUND: make faults ARGS="--only={name} --seed={options.seed} '
        f'--input={number}"\n{trace}',
        flush=True,
      )
  for name, seen in counts.items():
    print(
      f'{name:15}', ', '.join(f'{n:,} {s}' for s, n in sorted(seen.items()))
    )
  found = stopped(options.seed, options.kills, options.disks)
  total = sum(sum(seen.values()) for seen in counts.values())
  found += sum(seen.get(FOUND, 0) for seen in counts.values())
  print(f'{total:,} inputs, {found} findings')
  return 1 if found else 0


if __name__ == '__main__':
  sys.exit(main())
