"""What phases tried, read from a run's rows."""

import math

import phased_runs

from flsec.reporting import cell as cell_lib
from flsec.reporting.searches import places_of, searches


def _cell(make, path, metrics=None):
  return cell_lib.read_cell(
    make.run(path / 'cell', metrics=metrics or phased_runs.rows())
  )


def test_a_search_is_its_candidates_and_what_was_kept(make, tmp_path):
  prune, adjust = searches(_cell(make, tmp_path))
  assert (prune.phase, prune.axis, prune.kept) == (
    'prune', 'channels pruned', 1,
  )  # fmt: skip
  assert prune.tried == [0, 1, 2]
  assert prune.series('attack/success_rate') == (
    [0, 1, 2],
    [1.00, 0.99, 0.60],
  )
  assert (adjust.phase, adjust.axis, adjust.kept) == ('adjust', 'Delta', 3.0)
  assert adjust.tried == [math.inf, 3.0, 2.5]
  assert adjust.series('no/such') == ([], [])


def test_an_unfinished_search_has_kept_nothing(make, tmp_path):
  (search,) = searches(_cell(make, tmp_path, phased_runs.rows()[:4]))
  assert search.tried == [0, 1] and search.kept is None


def test_two_searches_of_a_name_are_two(make, tmp_path):
  rows = phased_runs.rows()
  found = searches(_cell(make, tmp_path, [*rows[:6], *rows[2:6]]))
  assert [one.phase for one in found] == ['prune', 'prune 2']


def test_a_run_without_phases_has_none(cell):
  assert searches(cell) == []


def test_no_delta_stands_before_the_largest():
  assert places_of([math.inf, 3.0, 2.5]) == [4.0, 3.0, 2.5]
  assert places_of([math.inf, 3.0]) == [5.0, 3.0]
