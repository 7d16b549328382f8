"""Looks for what grows in a long run, and in a sweep of many cells.

python tests/faults/long_runs.py [--rounds=1000] [--cells=100]

Memory may grow by less than 5 % after the first tenth, threads and open files
not at all. Ends with 1 where one of them does.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

if __name__ == '__main__':
  _TESTS = pathlib.Path(__file__).resolve().parents[1]
  sys.path[:0] = [str(_TESTS.parent), str(_TESTS / 'experiment')]

import small_experiment

_PLUGIN = pathlib.Path(__file__).with_name('resources_logger.py')
_MOST_GROWTH = 0.05
_COUNTED = ('pages', 'threads', 'files')
# A sweep's cells are short: what they leave behind is what counts.
_ROUNDS_OF_CELL = 2


def samples(place, flags):
  """Runs the small experiment in one process; returns what was written down.

  Args:
    place: an empty folder.
    flags: of `flsec run`.

  Returns:
    [{'at': 'row' or 'cell', 'pages': ..., 'threads': ..., 'files': ...}].
  """
  config, file = place / 'small.yaml', place / 'resources.jsonl'
  small_experiment.write(config)
  logger = f'{{name: resources, file: {file}}}'
  command = [
    *(sys.executable, '-m', 'flsec.main', 'run', str(config)),
    f'--plugin={_PLUGIN}',
    f'--set=runtime.loggers=[tensorboard, {logger}]',
    f'--output_dir={place / "runs"}',
    *('--jobs=1', '--verbosity=-1', *flags),
  ]
  ended = subprocess.run(command, capture_output=True, text=True, check=False)
  if ended.returncode:
    raise RuntimeError(
      f'{command} ended with {ended.returncode}:\n{ended.stderr}'
    )
  return [json.loads(line) for line in file.read_text().splitlines()]


def complaints(found):
  """Says what grew after the first tenth of the samples, a line each."""
  later = found[len(found) // 10 :]
  growth = max(one['pages'] for one in later) / later[0]['pages'] - 1
  said = []
  if growth >= _MOST_GROWTH:
    said.append(f'memory grew by {growth:.1%}')
  for what in ('threads', 'files'):
    numbers = [one[what] for one in later]
    if len(set(numbers)) > 1:
      said.append(f'{what} went from {numbers[0]} to {numbers[-1]}: {numbers}')
      if what == 'files':
        # Each cell has files of its own; what two of them have stays open.
        kept = set(later[-1]['names']) & set(later[-2]['names'])
        new = sorted(kept - set(later[0]['names']))
        said += [f'{name} stays open' for name in new]
  return said


def tell(name, found):
  """Prints what was found; returns whether something grew."""
  later = found[len(found) // 10 :]
  first, last = later[0], later[-1]
  print(
    f'{name}: after a tenth and at the end: '
    + ', '.join(f'{first[k]:,} and {last[k]:,} {k}' for k in _COUNTED),
    flush=True,
  )
  said = complaints(found)
  for line in said:
    print(f'FOUND: {name}: {line}', flush=True)
  return bool(said)


def rounds(count, place):
  """Runs so many rounds; returns samples of each row."""
  found = samples(place, [f'--set=rounds={count}'])
  return [one for one in found if one['at'] == 'row']


def cells(count, place):
  """Runs so many cells in one process; returns samples of their beginnings."""
  seeds = list(range(1, count + 1))
  flags = [
    f'--set=rounds={_ROUNDS_OF_CELL}',
    # Of some seeds the first client has nothing that the attack could change.
    '--set=attack.placement=holders',
    f'--sweep=seed={seeds}',
  ]
  return [one for one in samples(place, flags) if one['at'] == 'cell']


def main():
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--rounds', type=int, default=1000)
  parser.add_argument('--cells', type=int, default=100)
  options = parser.parse_args()
  grew = False
  for name, run in (('rounds', rounds), ('cells', cells)):
    count = getattr(options, name)
    if count:
      with tempfile.TemporaryDirectory(prefix='flsec-long-') as place:
        found = run(count, pathlib.Path(place))
      assert len(found) == count, f'{len(found)} samples of {count} {name}'
      grew |= tell(f'{count} {name}', found)
  return 1 if grew else 0


if __name__ == '__main__':
  sys.exit(main())
