"""Medians over seeds and worst cases, worked out by hand."""

import pytest

from flsec.reporting import comparison
from flsec.reporting.cell import Cell


def _cell(make, rule, attack, seed, accuracy, error=None, is_done=True):
  config = make.config(
    server__aggregator={'name': rule},
    attack=attack and {'name': attack, 'start_round': 2},
    seed=seed,
  )
  rows = [{'round': 1, 'test/accuracy': 0.99}, {'round': 2}]
  rows[1]['test/accuracy'] = accuracy
  if error is not None:
    rows[1]['attack/error_rate'] = error
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


class TestCompare:
  def test_accuracy(self, cells):
    found = comparison.compare(cells, comparison.ACCURACY)
    assert found.defences == ['mean', 'median']
    assert found.threats == ['no attack', 'alie', 'ipm']
    assert found.values == [[0.95, 0.20, None], [0.90, 0.80, 0.85]]
    assert found.worst == [0.20, 0.80]
    assert found.num_seeds == 3 and found.is_grid

  def test_the_worst_error_rate_is_the_highest(self, cells):
    found = comparison.compare(cells, comparison.ERROR_RATE)
    assert found.threats == ['alie', 'ipm']
    assert found.values == [[0.6, None], [0.1, 0.2]]
    assert found.worst == [0.6, 0.2]

  def test_a_measure_that_no_run_has(self, cells):
    assert comparison.compare(cells, comparison.SUCCESS_RATE) is None
    titles = [c.measure.title for c in comparison.comparisons(cells)]
    assert titles == [
      'Final test accuracy',
      'Error rate, mean of attacked rounds',
    ]

  def test_unfinished_runs_alone_make_no_comparison(self, make):
    cell = _cell(make, 'mean', 'alie', 1, 0.5, is_done=False)
    assert comparison.comparisons([cell]) == []

  def test_seeds_alone_make_no_grid(self, make):
    cells = [_cell(make, 'mean', 'alie', n, n / 10) for n in (1, 2, 3)]
    found = comparison.compare(cells, comparison.ACCURACY)
    assert found.values == [[0.2]] and not found.is_grid

  def test_the_order_of_runs_does_not_matter(self, cells):
    assert comparison.comparisons(cells[::-1]) == comparison.comparisons(cells)
