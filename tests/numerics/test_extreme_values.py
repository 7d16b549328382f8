"""Tests of extreme values."""

import numpy as np
import pytest
import tensorflow as tf

from flsec.numerics import extreme_values


def _reference(values, present, num_deviations):
  """Float64, from the definition."""
  values = np.asarray(values, np.float64)
  chosen = values[present]
  if not len(chosen):
    return np.zeros(len(values), bool)
  mean = chosen.sum() / len(chosen)
  sigma = np.sqrt(((chosen - mean) ** 2).sum() / len(chosen))
  low, high = mean - num_deviations * sigma, mean + num_deviations * sigma
  return present & ((values < low) | (values > high))


@pytest.mark.parametrize(
  ('values', 'present', 'expected'),
  [
    # mu 2.5, sigma 4.3875: kept from -1.8875 to 6.8875.
    ([-1, 0, 1, 10], [1, 1, 1, 1], [0, 0, 0, 1]),
    # The zero is absent: mu 3.3333, sigma 4.7842, so -1.45 to 8.12.
    ([-1, 0, 1, 10], [1, 0, 1, 1], [0, 0, 0, 1]),
    # Without the ten: mu 0, sigma 0.8165. What is absent is not extreme.
    ([-1, 0, 1, 10], [1, 1, 1, 0], [1, 0, 1, 0]),
    ([1, 3], [1, 1], [0, 0]),  # Both on a bound.
    ([2, 2, 2], [1, 1, 1], [0, 0, 0]),
    ([5, 6], [0, 0], [0, 0]),
    ([7], [1], [0]),
  ],
)
def test_worked_examples_at_one_deviation(values, present, expected):
  found = extreme_values.are_extreme(
    tf.constant(values, tf.float32), tf.constant(np.array(present, bool)), 1.0
  )
  np.testing.assert_array_equal(found, np.array(expected, bool))


@pytest.mark.parametrize('scale', [1e-6, 1.0, 1e6])
@pytest.mark.parametrize('num_deviations', [0.5, 1.0, 2.0, 3.0])
def test_agrees_with_a_float64_reference(scale, num_deviations):
  rng = np.random.default_rng(0)
  values = (scale * (rng.standard_t(2, 500) + 0.3)).astype(np.float32)
  present = rng.random(500) < 0.7
  found = extreme_values.are_extreme(
    tf.constant(values), tf.constant(present), num_deviations
  )
  expected = _reference(values, present, num_deviations)
  assert 0 < expected.sum() < present.sum()
  np.testing.assert_array_equal(found, expected)


def test_order_shift_and_scale_do_not_matter():
  rng = np.random.default_rng(1)
  values = rng.integers(-50, 50, 200).astype(np.float32)
  present = tf.ones([200], tf.bool)
  found = extreme_values.are_extreme(values, present, 1.5).numpy()
  order = rng.permutation(200)
  again = extreme_values.are_extreme(values[order], present, 1.5)
  np.testing.assert_array_equal(again, found[order])
  moved = extreme_values.are_extreme(4 * values + 7, present, 1.5)
  np.testing.assert_array_equal(moved, found)


def test_a_mean_far_from_zero_costs_no_digits():
  """In float32 the squares of these would all be alike."""
  values = np.float32(4096) + np.array([0, 1, 2, 3, 40], np.float32) / 8
  found = extreme_values.are_extreme(values, tf.ones([5], tf.bool), 1.5)
  np.testing.assert_array_equal(found, [False] * 4 + [True])


def test_xla_compiles_it():
  values = tf.constant([-1.0, 0.0, 1.0, 10.0])
  present = tf.ones([4], tf.bool)
  compiled = tf.function(extreme_values.are_extreme, jit_compile=True)
  np.testing.assert_array_equal(
    compiled(values, present, 1.0), [False, False, False, True]
  )
