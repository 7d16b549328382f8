"""Spreads over seeds and worst cases, worked out by hand."""

import pytest

from flsec.reporting import comparison
from flsec.reporting.cell import Cell
from flsec.reporting.measure import (
  ACCURACY,
  ERROR_RATE,
  SUCCESS_RATE,
  Moment,
)
from flsec.reporting.spread import Spread

_LAST, _MEAN = Moment.LAST, Moment.MEAN


def _cell(make, rule, attack, seed, accuracy, error=None, is_done=True):
  config = make.config(
    server__aggregator={'name': rule},
    attack=attack and {'name': attack, 'num_byzantine': 4, 'start_round': 2},
    seed=seed,
  )
  rows = [
    {'round': 1, 'test/accuracy': 0.99},
    {'round': 2, 'test/accuracy': 0.5},
    {'round': 3, 'test/accuracy': accuracy},
  ]
  if error is not None:
    rows[1]['attack/error_rate'] = 1.0
    rows[2]['attack/error_rate'] = error
  return Cell(None, config, '', rows, is_done)


@pytest.fixture
def cells(make):
  return [
    _cell(make, 'mean', None, 1, 0.95),
    _cell(make, 'mean', 'alie', 1, 0.10, 0.9),
    _cell(make, 'mean', 'alie', 2, 0.30, 0.5),
    _cell(make, 'mean', 'alie', 3, 0.20, 0.6),
    _cell(make, 'median', None, 1, 0.90),
    _cell(make, 'median', 'alie', 1, 0.80, 0.1),
    _cell(make, 'median', 'ipm', 1, 0.85, 0.2),
    _cell(make, 'median', 'ipm', 2, 0.01, 1.0, is_done=False),
  ]


def _centres(found):
  return [[one and round(one.centre, 6) for one in row] for row in found.values]


def _worst(found):
  return [one and one.centre for one in found.worst]


class TestCompare:
  def test_last_round(self, cells):
    found = comparison.compare(cells, ACCURACY, _LAST)
    assert found.defences == ['mean', 'median']
    assert found.threats == ['no attack', 'alie', 'ipm']
    assert _centres(found) == [[0.95, 0.20, None], [0.90, 0.80, 0.85]]
    assert found.values[0][1] == Spread(0.20, 0.10, 0.30, 3)
    assert found.counts == [1, 3] and found.is_grid

  def test_mean_of_attacked_rounds(self, cells):
    found = comparison.compare(cells, ACCURACY, _MEAN)
    # Rounds 2 and 3 are attacked; a run without attack has none.
    assert found.threats == ['alie', 'ipm']
    assert _centres(found) == [[0.35, None], [0.65, 0.675]]

  def test_the_worst_of_a_row_with_a_gap_is_not_known(self, cells):
    found = comparison.compare(cells, ACCURACY, _LAST)
    assert _worst(found) == [None, 0.80] and found.has_worst
    found = comparison.compare(cells, ERROR_RATE, _LAST)
    assert found.threats == ['alie', 'ipm']
    assert _centres(found) == [[0.6, None], [0.1, 0.2]]
    assert _worst(found) == [None, 0.2]

  def test_the_worst_error_rate_is_the_highest(self, cells):
    found = comparison.compare(cells[5:7], ERROR_RATE, _MEAN)
    assert _centres(found) == [[0.55, 0.6]] and _worst(found) == [0.6]

  def test_an_attack_that_is_not_finished_leaves_the_worst_open(self, make):
    cells = [
      _cell(make, 'mean', 'alie', 1, 0.8, 0.1),
      _cell(make, 'mean', 'ipm', 1, 0.7, 0.2),
      _cell(make, 'median', 'alie', 1, 0.8, 0.1),
      _cell(make, 'median', 'ipm', 1, 0.7, 0.2),
      # It has not got as far as to tell what it measures.
      Cell(
        None,
        _cell(make, 'median', 'rop', 1, 0).config, '', [{'round': 1}], False,
      ),
    ]  # fmt: skip
    found = comparison.compare(cells, ERROR_RATE, _LAST)
    assert found.threats == ['alie', 'ipm']
    assert _worst(found) == [0.2, None]

  def test_one_attack_has_no_worst_case(self, cells):
    found = comparison.compare(cells[:6], ACCURACY, _LAST)
    assert found.threats == ['no attack', 'alie'] and not found.has_worst
    assert comparison.WORST not in found.laid_out().columns

  def test_the_mean_over_seeds(self, cells):
    found = comparison.compare(cells, ACCURACY, _LAST, 'mean')
    mean = found.values[0][1]
    # Of .1, .3, .2; the sample's deviation is sqrt(.02 / 2).
    assert (mean.centre, mean.deviation) == pytest.approx((0.2, 0.1))

  def test_every_measure_at_both_moments(self, cells):
    assert comparison.compare(cells, SUCCESS_RATE, _LAST) is None
    found = comparison.comparisons(cells)
    assert [(one.measure, one.moment) for one in found] == [
      (ACCURACY, _LAST), (ACCURACY, _MEAN),
      (ERROR_RATE, _LAST), (ERROR_RATE, _MEAN),
    ]  # fmt: skip

  def test_unfinished_runs_alone_make_no_comparison(self, make):
    cell = _cell(make, 'mean', 'alie', 1, 0.5, is_done=False)
    assert comparison.comparisons([cell]) == []

  def test_seeds_alone_make_no_grid(self, make):
    cells = [_cell(make, 'mean', 'alie', n, n / 10) for n in (1, 2, 3)]
    found = comparison.compare(cells, ACCURACY, _LAST)
    assert _centres(found) == [[0.2]] and not found.is_grid

  def test_the_order_of_runs_does_not_matter(self, cells):
    assert comparison.comparisons(cells[::-1]) == comparison.comparisons(cells)


class TestLayout:
  def test_the_longer_list_goes_down_the_side(self, cells):
    found = comparison.compare(cells, ACCURACY, _LAST)
    shown = found.laid_out()
    assert shown.is_tall
    assert shown.rows == ['no attack', 'alie', 'ipm', 'worst']
    assert shown.columns == ['mean', 'median']
    assert [row[1].centre for row in shown.values] == [0.9, 0.8, 0.85, 0.8]

  def test_or_where_it_is_told_to(self, cells):
    found = comparison.compare(cells, ACCURACY, _LAST)
    shown = found.laid_out(is_tall=False)
    assert shown.rows == ['mean', 'median']
    assert shown.columns == ['no attack', 'alie', 'ipm', 'worst']
    assert shown.values[0][-1] is None
