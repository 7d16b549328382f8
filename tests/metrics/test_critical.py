"""Tests of the critical round and volume."""

import numpy as np
import pytest

from flsec.metrics import critical


@pytest.mark.parametrize(
  ('threshold', 'expected'), [(0.7, 20), (0.9, 40), (0.95, None), (0.1, 10)]
)
def test_the_critical_round_is_the_first_good_enough(threshold, expected):
  accuracy = np.array([0.5, 0.7, 0.6, 0.9])
  found = critical.critical_round([10, 20, 30, 40], accuracy, threshold)
  assert found == expected


def test_a_test_that_gave_nan_is_not_good_enough():
  found = critical.critical_round([1, 2, 3], [0.2, np.nan, 0.8], 0.5)
  assert found == 3


def test_volumes_are_summed_up_to_the_critical_round():
  assert critical.critical_volume([1.0, 2.5, 4.0, 8.0], 3) == 7.5
  # Rounds that were not tested count: summed exactly, not in float32.
  assert critical.critical_volume([0.1] * 10, 10) == 1.0


def test_a_round_never_reached_has_no_volume():
  assert critical.critical_round([], [], 0.9) is None
  assert critical.critical_volume([1.0, 2.0], None) is None


def test_impossible_input_is_refused():
  with pytest.raises(ValueError, match=r'got \(2,\) values'):
    critical.critical_round([1], [1, 2], 0.5)
  with pytest.raises(ValueError, match='each of 3 rounds; got 2'):
    critical.critical_volume([0.1, 0.2], 3)
