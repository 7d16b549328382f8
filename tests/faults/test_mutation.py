"""Mutants are small, one fault each, and are tried by the tests of their file.

`make mutants` tries a sample of them.
"""

import ast
import pathlib
import re

import mutant_tests
import mutants
import mutation
import numpy as np
import pytest

_SOURCE = '''"""A file."""

import registry


@registry.aggregator('some_rule', paper='2020')
def pick(x: int = 1, *, is_open=True):
  """Picks 5."""
  if x < 2.0 or not is_open:
    raise ValueError(f'{x + 1} is too small')
  check(x, least=3, stable=True)
  return -tf.reduce_max(x) + x
'''


_TEST = 'x < 2.0 or not is_open'
_CHECK = 'check(x, least=3, stable=True)'
# (line, what is changed there, what it becomes)
_NAMES = [
  (7, '1', '2'),
  (7, 'True', 'False'),
  (9, 'if ' + _TEST, 'if not (' + _TEST + ')'),
  (9, _TEST, 'x < 2.0 and (not is_open)'),
  (9, 'x < 2.0', 'x <= 2.0'),
  (9, '2.0', '4.0'),
  (9, 'not is_open', 'is_open'),
  (10, "raise ValueError(f'{x + 1} is too small')", ''),
  (11, _CHECK, ''),
  (11, _CHECK, 'check(x, stable=True)'),
  (11, '3', '4'),
  (12, '-tf.reduce_max(x) + x', '-tf.reduce_max(x) - x'),
  (12, '-tf.reduce_max(x)', 'tf.reduce_max(x)'),
  (12, 'tf.reduce_max', 'tf.reduce_min'),
]


def test_mutants_of_a_text_worked_by_hand():
  lines = [line.strip() for line in _SOURCE.splitlines()]
  by_hand = [(lines[n - 1], before, after, 0) for n, before, after in _NAMES]
  assert sorted(mutation.names(_SOURCE)) == sorted(by_hand)


def test_equal_places_of_a_line_are_counted():
  assert mutation.names('x = 5 + y\nx = [5, 5]') == [
    ('x = 5 + y', '5 + y', '5 - y', 0),
    ('x = 5 + y', '5', '6', 0),
    ('x = [5, 5]', '5', '6', 0),
    ('x = [5, 5]', '5', '6', 1),
  ]


def test_a_mutant_is_the_text_with_one_line_changed():
  plain = ast.unparse(ast.parse(_SOURCE)).splitlines()
  for number in range(len(_NAMES)):
    mutant = mutation.mutant(_SOURCE, number)
    found = mutant.text.splitlines()
    assert len(found) == len(plain)
    changed = [(a, b) for a, b in zip(plain, found) if a != b]
    assert [(a.strip(), b.strip()) for a, b in changed] == [
      (mutant.before, mutant.after)
    ]
    # What the name says of it is in there.
    line, _, after, _ = mutation.names(_SOURCE)[number]
    assert line == _SOURCE.splitlines()[mutant.line - 1].strip()
    assert (after or 'pass') in mutant.after


def test_there_is_no_mutant_beyond_the_last():
  with pytest.raises(IndexError, match='no mutant 14: the text has 14'):
    mutation.mutant(_SOURCE, 14)


def _names(count, first=0):
  return [(f'x = {n}', str(n), str(n + 1), 0) for n in range(first, count)]


def test_a_sample_is_of_all_files_and_the_same_every_time():
  counts = {'a.py': 300, 'b.py': 500, 'c.py': 200}
  names = {file: _names(count) for file, count in counts.items()}
  drawn = mutants.sample(names, 200, seed=1)
  assert drawn == mutants.sample(names, 200, seed=1)
  assert drawn != mutants.sample(names, 200, seed=2)
  assert drawn[:50] == mutants.sample(names, 50, seed=1)
  assert len(set(drawn)) == 200
  assert all(0 <= number < counts[file] for file, number in drawn)
  # Hypergeometric, of deviation 6.2 at most.
  for file, count in counts.items():
    found = sum(name == file for name, _ in drawn)
    assert np.abs(found - count / 5) < 40, file


def test_an_edit_leaves_the_rest_of_a_sample_as_it_was():
  before = {'a.py': _names(300), 'b.py': _names(200)}
  # Ten lines less before all others, and a new file.
  after = {'a.py': _names(300, first=10), 'b.py': _names(200), 'c.py': []}
  kept = [
    (file, number - 10 if file == 'a.py' else number)
    for file, number in mutants.sample(before, 500, seed=3)
    if file != 'a.py' or number >= 10
  ]
  assert mutants.sample(after, 500, seed=3) == kept


def _bare(line):
  return re.sub('[() ]', '', line)


def test_what_is_explained_is_in_the_files_and_says_why():
  explained = mutants.explanations()
  assert explained
  for (file, line, becomes), why in explained.items():
    text = (mutant_tests.CHECKOUT / file).read_text(encoding='utf-8')
    # Pythons write other brackets around tuples.
    lines = [_bare(part) for part in ast.unparse(ast.parse(text)).splitlines()]
    assert _bare(line) in lines, (file, line)
    assert becomes != line and why.strip(), (file, line)


def test_all_files_of_the_pure_rooms_are_mutated():
  found = mutant_tests.files()
  assert 'flsec/aggregators/wrappers/gas.py' in found
  assert {pathlib.PurePath(file).parts[1] for file in found} == set(
    mutant_tests.ROOMS
  )


def test_a_file_is_tried_by_its_own_tests_then_by_those_that_know_it():
  own, of_rules, naming, *_ = mutant_tests.tests_of('flsec/aggregators/krum.py')
  assert own == ['tests/aggregators/test_krum.py']
  assert of_rules == ['tests/aggregators/test_every_rule.py', '-k', '[krum']
  assert 'tests/aggregators/test_preaggregator.py' in naming
  assert mutant_tests.tests_of('flsec/aggregators/rule.py')[-1] == [
    'tests/aggregators/test_every_rule.py'
  ]
  # A file without tests of its own: those of the file that imports it.
  assert mutant_tests.tests_of('flsec/numerics/coordinate_groups.py') == [
    ['tests/aggregators/wrappers/test_gas.py']
  ]

  # A file that no test names: all of its room.
  assert mutant_tests.tests_of('flsec/attacks/__init__.py') == [
    ['tests/attacks']
  ]
