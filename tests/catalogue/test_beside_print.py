import dataclasses
import itertools

import pytest
from made_up_papers import write

from flsec.catalogue import comparison, papers, printed, results
from flsec.catalogue.comparison import Ours
from flsec.catalogue.printed import PrintedValue


@pytest.fixture
def entry(tmp_path):
  return write(tmp_path).entries['table1']


def _printed(value, unit='%', **keys):
  return PrintedValue(keys, 'accuracy', value, None, unit, 'Table 1', '')


def _ours(value):
  return Ours(value, 0.0, 0.0, 1, 3)


def _result(value, seed=1, size='full', measure='accuracy', **keys):
  return results.Result(keys, measure, size, seed, value, 3, 'r', 'f', '1')


class TestIsNear:
  @pytest.mark.parametrize(
    'value, unit, ours, expected',
    [
      (50, '%', 52.0, True),
      (50, '%', 52.1, False),
      (-1, 'points', 1.0, True),
      # A share of 1: two points are 0.02.
      (0.96, '1', 0.945, True),
      (0.96, '1', 0.93, False),
      (1000, 'rounds', 1100, True),
      (1000, 'rounds', 1101, False),
      (None, 'rounds', None, True),
      (None, 'rounds', 3, False),
      (3, 'rounds', None, False),
    ],
  )
  def test_two_points_or_a_tenth(self, value, unit, ours, expected):
    assert comparison.is_near(_printed(value, unit), _ours(ours)) == expected


class TestOrder:
  def test_neighbours_differ_in_one_key(self):
    # A grid of two rules and three attacks: each has 1 + 2 neighbours.
    cells = list(itertools.product('ab', 'xyz'))
    rows = [
      _printed(float(i), rule=rule, attack=attack)
      for i, (rule, attack) in enumerate(cells)
    ]
    pairs = [(row, _ours(2 * row.value)) for row in rows]
    for row, ours in pairs:
      assert comparison.order(row, ours, pairs) == (3, 3)
    upside_down = [(row, _ours(-row.value)) for row in rows]
    assert comparison.order(*upside_down[0], upside_down) == (0, 3)

  def test_equal_in_print_says_nothing_and_equal_ours_is_not_the_order(self):
    pairs = [
      (_printed(1.0, rule='a'), _ours(5.0)),
      (_printed(1.0, rule='b'), _ours(6.0)),
      (_printed(2.0, rule='c'), _ours(5.0)),
      (_printed(3.0, rule='d'), _ours(7.0)),
      (_printed(None, rule='e'), _ours(7.0)),
    ]
    assert comparison.order(*pairs[0], pairs) == (1, 2)

  def test_other_measures_do_not_count(self):
    one, other = _printed(1.0, rule='a'), _printed(2.0, rule='b')
    other = dataclasses.replace(other, measure='loss')
    pairs = [(one, _ours(1.0)), (other, _ours(2.0))]
    assert comparison.order(*pairs[0], pairs) == (0, 0)


def test_seeds_are_put_together_as_their_median():
  values = [(3.0, 1), (None, 2), (1.0, 3), (9.0, 4)]
  ours = comparison.put_together([_result(v, s) for v, s in values])
  assert ours == Ours(3.0, 1.0, 9.0, 3, 3)
  assert comparison.put_together([_result(None)]).centre is None


def test_verdicts(entry):
  numbers = printed.read(entry.printed)
  found = [
    # Printed 96, 10, 50, 40.
    _result(95.0, rule='mean', attack='none'),
    _result(20.0, rule='mean', attack='flip'),
    _result(10.0, rule='median', attack='none'),
    _result(15.0, rule='median', attack='flip'),
    # Of another size.
    _result(96.0, size='small', rule='mean', attack='none'),
  ]
  lines = comparison.compare(entry, numbers, found, 'full')
  assert [(line.verdict, line.words) for line in lines] == [
    ('near', 'within 2 points'),
    # Below none, as printed; but above the median's 15 instead of below.
    ('differs', 'differs (1 of 2 in order); no cause known'),
    # Below the mean's 95, but not above its own 15.
    ('differs, cause', 'differs (1 of 2 in order): the moon'),
    ('differs, cause', 'differs (0 of 2 in order): the moon'),
  ]
  assert [line.difference for line in lines] == [-1.0, 10.0, -40.0, -25.0]


def test_what_was_tried_leaves_it_open(entry):
  tried = papers.Cause({'rule': ('mean',)}, 'nor does the sun', is_found=False)
  entry = dataclasses.replace(entry, causes=(tried, *entry.causes))
  found = [
    _result(20.0, rule='mean', attack='none'),
    _result(15.0, rule='median', attack='none'),
    _result(30.0, rule='mean', attack='flip'),
  ]
  lines = comparison.compare(entry, printed.read(entry.printed), found, 'full')
  assert [(line.verdict, line.words) for line in lines] == [
    ('differs', 'differs (1 of 2 in order); nor does the sun'),
    ('differs', 'differs (0 of 1 in order); nor does the sun'),
    ('same order', 'same order (1 of 1 neighbours)'),
  ]


def test_a_smaller_run_cannot_tell_why_it_differs(entry):
  found = [
    _result(95.0, size='small', rule='mean', attack='flip'),
    _result(5.0, size='small', rule='mean', attack='none'),
  ]
  lines = comparison.compare(entry, printed.read(entry.printed), found, 'small')
  assert [line.verdict for line in lines] == 2 * ['differs']
  assert lines[0].words == (
    "differs (0 of 1 in order); a smaller run than the paper's, which cannot "
    'tell why'
  )


def test_same_order(entry):
  numbers = printed.read(entry.printed)
  found = [
    _result(90.0, rule='mean', attack='none'),
    _result(20.0, rule='mean', attack='flip'),
    _result(60.0, rule='median', attack='none'),
    _result(55.0, rule='median', attack='flip'),
  ]
  lines = comparison.compare(entry, numbers, found, 'full')
  assert {line.words for line in lines} == {'same order (2 of 2 neighbours)'}


def test_printed_numbers_without_ours_have_no_line(entry):
  numbers = printed.read(entry.printed)
  assert comparison.compare(entry, numbers, [], 'full') == []
