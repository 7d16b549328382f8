import pytest

from flsec.numerics import scale_search


@pytest.mark.parametrize('limit', [1e-4, 0.37, 3.0, 10.0, 19.5])
def test_finds_the_largest_scale_allowed(limit):
  found = scale_search.largest_scale(
    lambda gamma: gamma <= limit, initial=10.0, tolerance=1e-6
  )
  assert limit - 1e-5 <= float(found) <= limit


@pytest.mark.parametrize('limit', [3e-7, 2e-12])
def test_a_scale_below_the_tolerance_is_found_to_that_share(limit):
  found = scale_search.largest_scale(
    lambda gamma: gamma <= limit, initial=10.0, tolerance=1e-5
  )
  assert (1 - 2e-5) * limit <= float(found) <= limit


def test_ends_at_zero_where_nothing_is_allowed():
  found = scale_search.largest_scale(
    lambda gamma: gamma < 0, initial=10.0, tolerance=1e-5
  )
  assert float(found) == 0


def test_ends_just_below_twice_the_start_where_all_is_allowed():
  found = scale_search.largest_scale(
    lambda gamma: gamma > 0, initial=3.0, tolerance=1e-5
  )
  assert 5.999 < float(found) < 6
