"""Paired differences and their intervals, worked out by hand."""

import math

import pytest

from flsec.reporting import differences
from flsec.reporting.cell import Cell
from flsec.reporting.measure import ACCURACY, ERROR_RATE

# Student's t at 0.975, from a printed table, by degrees of freedom.
_T = {1: 12.7062, 2: 4.30265, 4: 2.77645}


class TestPairedDifference:
  @pytest.mark.parametrize(
    ('values', 'mean', 'deviation'),
    [
      ([0.1, 0.3], 0.2, math.sqrt(0.02)),
      ([0.1, 0.2, 0.6], 0.3, math.sqrt(0.07)),
      ([0.0, 0.1, 0.2, 0.3, 0.4], 0.2, math.sqrt(0.025)),
    ],
  )
  def test_students_interval(self, values, mean, deviation):
    baseline = {seed: 0.5 * seed for seed in range(len(values))}
    shifted = {seed: v + 0.5 * seed for seed, v in enumerate(values)}
    found = differences.paired_difference(shifted, baseline)
    half = _T[len(values) - 1] * deviation / math.sqrt(len(values))
    assert found.count == len(values)
    assert (found.centre, found.low, found.high) == pytest.approx(
      (mean, mean - half, mean + half), abs=2e-6
    )

  def test_seeds_are_paired_by_name_not_by_place(self):
    found = differences.paired_difference({1: 0.9, 2: 0.5}, {2: 0.4, 1: 0.7})
    assert found.centre == pytest.approx(0.15)

  def test_only_seeds_that_both_have_count(self):
    found = differences.paired_difference(
      {1: 0.9, 2: 0.5, 3: 0.1}, {2: 0.4, 4: 1}
    )
    assert (found.centre, found.count) == (pytest.approx(0.1), 1)
    assert math.isnan(found.low) and math.isnan(found.high)
    assert differences.paired_difference({1: 0.5}, {2: 0.5}) is None

  def test_the_other_way_round_is_the_negative(self):
    one, other = {1: 0.9, 2: 0.5, 3: 0.6}, {1: 0.2, 2: 0.4, 3: 0.1}
    there = differences.paired_difference(one, other)
    back = differences.paired_difference(other, one)
    assert (back.centre, back.low, back.high) == pytest.approx(
      (-there.centre, -there.high, -there.low)
    )


def _cell(make, rule, attack, seed, accuracy, is_done=True):
  config = make.config(
    server__aggregator={'name': rule},
    attack=attack and {'name': attack, 'num_byzantine': 4, 'start_round': 2},
    pruning=None,
    seed=seed,
  )
  rows = [
    {'round': 1, 'test/accuracy': 0.9},
    {'round': 2, 'test/accuracy': 0.0},
    {'round': 3, 'test/accuracy': accuracy},
  ]
  return Cell(None, config, '', rows, is_done)


@pytest.fixture
def cells(make):
  values = {
    ('mean', 'alie'): (0.10, 0.20), ('median', 'alie'): (0.50, 0.80),
    ('mean', None): (0.90, 0.92), ('median', None): (0.88, 0.92),
  }  # fmt: skip
  return [
    _cell(make, rule, attack, seed, value)
    for (rule, attack), pair in values.items()
    for seed, value in enumerate(pair)
  ]


class TestTable:
  def test_each_threat_at_both_moments(self, cells):
    table = differences.difference_table(cells, ACCURACY, 'mean')
    assert [column.title for column in table.columns] == [
      '', 'no attack, last', 'alie, last', 'alie, mean',
    ]  # fmt: skip
    ((name, clean, last, mean),) = table.rows
    assert name == 'median'
    assert clean.value.centre == pytest.approx(-0.01)
    assert last.value.centre == pytest.approx(0.5)  # Of 0.4 and 0.6.
    assert mean.value.centre == pytest.approx(0.25)  # Round 2 has none.
    assert table.caption.endswith('of the differences of 2 seeds')

  def test_unfinished_runs_are_no_pair(self, cells):
    cells[2] = Cell(None, cells[2].config, '', cells[2].rows, False)
    table = differences.difference_table(cells, ACCURACY, 'mean')
    assert table.rows[0][2].value.count == 1
    assert table.caption.endswith('of n seeds')

  def test_a_measure_without_pairs(self, cells):
    assert differences.difference_table(cells, ERROR_RATE, 'mean') is None

  def test_an_unknown_baseline_names_those_there_are(self, cells):
    with pytest.raises(ValueError, match=r"'krum' to .* are: mean; median\."):
      differences.difference_table(cells, ACCURACY, 'krum')


def test_the_usual_baseline_is_the_plain_mean(cells, make):
  assert differences.usual_baseline(cells) == 'mean'
  assert differences.usual_baseline(cells[:2]) is None
  assert differences.usual_baseline(cells[2:4]) is None
  one_seed = [cell for cell in cells if cell.config['seed'] == 0]
  assert differences.usual_baseline(one_seed) is None
  pruned = _cell(make, 'mean', 'alie', 1, 0.5)
  pruned.config['pruning'] = {'name': 'flap'}
  assert differences.usual_baseline([*cells[2:4], pruned]) is None
