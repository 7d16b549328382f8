"""Which files mutants are made of, and which tests try a file."""

import functools
import pathlib
import re

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
ROOMS = (
  'numerics',
  'aggregators',
  'attacks',
  'pruning',
  'metrics',
  'defenses',
)
_EVERY_RULE = 'test_every_rule'


def files(checkout=CHECKOUT):
  """Returns the paths of the pure rooms' files, from the checkout's root."""
  found = (
    path
    for room in ROOMS
    for path in sorted((checkout / 'flsec' / room).rglob('*.py'))
  )
  return [str(path.relative_to(checkout)) for path in found]


def tests_of(file, checkout=CHECKOUT):
  """Returns the arguments of pytest for a file's tests, likely killers first.

  Returns:
    [[argument, ...], ...]: the file's own tests, those of every rule where it
    is one, those of its room that name it, those of files that import it, and
    those of every rule where it is beside them; all of its room where there are
    none.
  """
  path = checkout / file
  folder = checkout / 'tests' / path.relative_to(checkout).parts[1]
  source = re.sub(r'\(\s+', '(', path.read_text(encoding='utf-8'))
  named = re.compile(rf'\b{path.stem}\b')
  naming = [
    str(test.relative_to(checkout))
    for test in sorted(folder.rglob('test_*.py'))
    if test.stem != _EVERY_RULE and named.search(_text(test))
  ]
  stages = [_own_tests(path.stem, folder, checkout)]
  every_rule = f'tests/aggregators/{_EVERY_RULE}.py'
  is_rule = f"aggregator('{path.stem}'" in source
  if is_rule:
    stages.append([every_rule, '-k', f'[{path.stem}'])
  stages.append(naming)
  for importer in files(checkout):
    if re.search(rf'import [^)]*\b{path.stem}\b', _text(checkout / importer)):
      room = checkout / 'tests' / pathlib.PurePath(importer).parts[1]
      stem = pathlib.PurePath(importer).stem
      stages.append(_own_tests(stem, room, checkout))
  if folder.name == 'aggregators' and not is_rule:
    stages.append([every_rule])
  chosen, known = [], set()
  for stage in stages:
    fresh = [argument for argument in stage if argument not in known]
    known.update(argument for argument in fresh if argument != '-k')
    chosen += [fresh] if fresh else []
  return chosen or [[str(folder.relative_to(checkout))]]


def _own_tests(stem, folder, checkout):
  """Returns the files of tests that a source file's name is in."""
  found = sorted(folder.rglob(f'test_{stem}.py'))
  found = found or sorted(folder.rglob(f'test_*{stem}*.py'))
  return [
    str(test.relative_to(checkout))
    for test in found
    if test.stem != _EVERY_RULE
  ]


@functools.cache
def _text(path):
  return path.read_text(encoding='utf-8')
