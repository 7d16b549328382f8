"""The mean of clipped updates."""

import numpy as np
import pytest
import rule_cases

from flsec import aggregators

EXAMPLE = np.array([[3.0, 4.0], [0.6, 0.8], [0.0, 0.0]], np.float32)


def test_a_fixed_radius():
  rule = aggregators.build('norm_clipped_mean', radius=2.0)
  update, measured = rule_cases.apply(rule, EXAMPLE)
  np.testing.assert_allclose(update, [0.6, 0.8], rtol=1e-6)
  np.testing.assert_allclose(
    measured['selected'], np.array([0.4, 1, 1]) / 3, rtol=1e-6
  )


def test_the_median_norm_by_default():
  np.testing.assert_allclose(
    aggregators.build('norm_clipped_mean')(EXAMPLE), [0.4, 1.6 / 3], rtol=1e-6
  )


def test_of_an_even_number_the_lower_median_counts():
  x = np.array([[1.0], [100.0]], np.float32)
  assert aggregators.build('norm_clipped_mean')(x) == 1.0


@pytest.mark.parametrize('scale', [1.0, 1e-5, 1e-8])
def test_values(scale):
  x = rule_cases.stack(1) * np.float32(scale)
  norms = np.linalg.norm(x.astype(np.float64), axis=1)
  factors = np.minimum(1, np.median(norms) / norms)
  assert rule_cases.is_close(
    aggregators.build('norm_clipped_mean')(x),
    (factors[:, None] * x).mean(axis=0),
  )


def test_a_far_row_counts_as_one_of_the_radius():
  x = np.array([[1e30], [0.0]], np.float32)
  rule = aggregators.build('norm_clipped_mean', radius=1.0)
  np.testing.assert_allclose(rule(x), [0.5], rtol=1e-6)


@pytest.mark.parametrize('radius', [0.0, -3.0])
def test_a_radius_that_is_not_positive_is_refused(radius):
  with pytest.raises(ValueError, match='radius must be above 0, or left out'):
    aggregators.build('norm_clipped_mean', radius=radius)
