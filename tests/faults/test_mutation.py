"""Mutants are small, one fault each, and are tried by the tests of their file.

`make mutants` tries a sample of them.
"""

import ast
import pathlib

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


def _changed(number):
  found = mutation.mutant(_SOURCE, number)
  return found.line, found.before, found.after


def test_mutants_of_a_text_worked_by_hand():
  found = [_changed(n) for n in range(mutation.count(_SOURCE))]
  test = 'x < 2.0 or not is_open'
  assert sorted(found) == sorted(
    [
      (7, '1', '2'),
      (7, 'True', 'False'),
      (9, 'if ' + test, 'if not (' + test + ')'),
      (9, test, 'x < 2.0 and (not is_open)'),
      (9, 'x < 2.0', 'x <= 2.0'),
      (9, '2.0', '4.0'),
      (9, 'not is_open', 'is_open'),
      (10, "raise ValueError(f'{x + 1} is too small')", ''),
      (11, 'check(x, least=3, stable=True)', ''),
      (11, 'check(x, least=3, stable=True)', 'check(x, stable=True)'),
      (11, '3', '4'),
      (12, '-tf.reduce_max(x) + x', '-tf.reduce_max(x) - x'),
      (12, '-tf.reduce_max(x)', 'tf.reduce_max(x)'),
      (12, 'tf.reduce_max', 'tf.reduce_min'),
    ],
  )


def test_a_mutant_is_the_text_with_one_line_changed():
  plain = ast.unparse(ast.parse(_SOURCE)).splitlines()
  for number in range(mutation.count(_SOURCE)):
    found = mutation.mutant(_SOURCE, number).text.splitlines()
    assert len(found) == len(plain)
    assert sum(a != b for a, b in zip(found, plain)) == 1


def test_there_is_no_mutant_beyond_the_last():
  with pytest.raises(IndexError, match='no mutant 14: the text has 14'):
    mutation.mutant(_SOURCE, 14)


def test_a_sample_is_of_all_files_and_the_same_every_time():
  counts = {'a.py': 300, 'b.py': 500, 'c.py': 200}
  drawn = mutants.sample(counts, 200, seed=1)
  assert drawn == mutants.sample(counts, 200, seed=1)
  assert drawn != mutants.sample(counts, 200, seed=2)
  assert len(set(drawn)) == 200
  assert all(0 <= number < counts[file] for file, number in drawn)
  # Hypergeometric, of deviation 6.2 at most.
  for file, count in counts.items():
    found = sum(name == file for name, _ in drawn)
    assert np.abs(found - count / 5) < 40, file


def test_all_files_of_the_pure_rooms_are_mutated():
  found = mutants.files()
  assert 'flsec/aggregators/wrappers/gas.py' in found
  assert {pathlib.PurePath(file).parts[1] for file in found} == set(
    mutants.ROOMS
  )


def test_a_file_is_tried_by_its_own_tests_then_by_those_that_know_it():
  own, of_rules, naming, *_ = mutants.tests_of('flsec/aggregators/krum.py')
  assert own == ['tests/aggregators/test_krum.py']
  assert of_rules == ['tests/aggregators/test_every_rule.py', '-k', '[krum']
  assert 'tests/aggregators/test_preaggregator.py' in naming
  assert mutants.tests_of('flsec/aggregators/rule.py')[-1] == [
    'tests/aggregators/test_every_rule.py'
  ]
  # A file without tests of its own: those of the file that imports it.
  assert mutants.tests_of('flsec/numerics/coordinate_groups.py') == [
    ['tests/aggregators/wrappers/test_gas.py']
  ]

  # A file that no test names: all of its room.
  assert mutants.tests_of('flsec/attacks/__init__.py') == [['tests/attacks']]
