"""Centres and bands of few numbers, worked out by hand."""

import math

import pytest

from flsec.reporting import spread


def test_median_with_least_and_greatest():
  found = spread.spread([0.3, 0.1, 0.6, 0.4])
  assert found.centre == pytest.approx(0.35)
  assert (found.low, found.high, found.count) == (0.1, 0.6, 4)


def test_mean_with_the_samples_deviation():
  found = spread.spread([2.0, 4.0, 9.0], 'mean')
  deviation = math.sqrt((9 + 1 + 16) / 2)
  assert (found.centre, found.low, found.high) == pytest.approx(
    (5, 5 - deviation, 5 + deviation)
  )
  assert found.deviation == pytest.approx(deviation)


@pytest.mark.parametrize('kind', spread.CENTRES)
def test_one_value_has_no_width_and_none_no_spread(kind):
  assert spread.spread([0.7], kind) == spread.Spread(0.7, 0.7, 0.7, 1, kind)
  assert spread.spread([], kind) is None


@pytest.mark.parametrize('kind', spread.CENTRES)
def test_order_does_not_matter_and_shifts_shift(kind):
  values = [0.25, 0.5, 1.0]
  found = spread.spread(values, kind)
  assert spread.spread(values[::-1], kind) == found
  moved = spread.spread([v + 2 for v in values], kind)
  assert (moved.centre, moved.low, moved.high) == pytest.approx(
    (found.centre + 2, found.low + 2, found.high + 2)
  )


def test_an_unknown_centre_is_refused():
  for call in (
    lambda: spread.spread([1], 'mode'),
    lambda: spread.in_words('x'),
  ):
    with pytest.raises(ValueError, match='one of median, mean; got'):
      call()
