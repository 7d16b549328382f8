"""Weiszfeld's iteration: steps worked by hand, and where it may end."""

import numpy as np
import pytest
import tensorflow as tf

from flsec.numerics import gram, weiszfeld

# Two clients of six make the mean fall on the first row; best is (-1, 0).
STEERED = np.array([[0, 0], [4, 0], *[[-1, 0]] * 4], np.float32)


def shares(n):
  return np.full(n, 1.0 / n)


def iterate(x, start, steps, tolerance=0.0, smoothing=0.0, alphas=None):
  """Returns the point that the iteration ends at."""
  x = np.asarray(x, np.float32)
  alphas = shares(len(x)) if alphas is None else np.asarray(alphas, np.float64)
  found = weiszfeld.iterate(
    gram.gram(tf.constant(x)).centred,
    tf.constant(alphas),
    tf.constant(np.asarray(start, np.float64)),
    steps,
    tolerance,
    smoothing,
  )
  np.testing.assert_allclose(np.sum(found), 1, rtol=1e-12)
  return found.numpy() @ x.astype(np.float64)


def test_a_step_between_the_rows():
  # Distances 2, 1 and 7 of 2 to 0, 1 and 9: (1 + 9 / 7) / (1/2 + 1 + 1/7).
  start = [0, 7 / 8, 1 / 8]
  found = iterate([[0], [1], [9]], start, 1)
  np.testing.assert_allclose(found, [(1 + 9 / 7) / (3 / 2 + 1 / 7)])


def test_the_step_of_vardi_and_zhang_leaves_a_row_that_is_not_best():
  # At row 0 the others pull with 1 - 4 = -3, against a weight of 1; their
  # weighted mean is (4 / 4 - 4) / (1 / 4 + 4). Two thirds of the way to it.
  found = iterate(STEERED, shares(6), 1)
  np.testing.assert_allclose(found, [2 / 3 * -3 / 4.25, 0], atol=1e-12)


def test_a_row_that_is_best_is_not_left():
  x = [[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]]
  np.testing.assert_array_equal(iterate(x, [1, 0, 0, 0, 0], 7), [0, 0])


def test_equal_rows_hold_a_point_together():
  # The others pull with 2 to the right: one row gives way, two do not.
  one = iterate([[0, 0], [1, 0], [2, 0]], [1, 0, 0], 1)
  assert one[0] > 0
  two = iterate([[0, 0], [0, 0], [1, 0], [2, 0]], [1, 0, 0, 0], 1)
  np.testing.assert_array_equal(two, [0, 0])


def test_a_row_of_no_weight_holds_nothing():
  found = iterate([[0], [1], [3]], [1, 0, 0], 1, alphas=[0.0, 0.5, 0.5])
  np.testing.assert_allclose(found, [(1 + 3 / 3) / (1 + 1 / 3)])


def test_all_rows_equal():
  x = np.full((3, 2), 5.0)
  np.testing.assert_array_equal(iterate(x, shares(3), 4), [5, 5])


@pytest.mark.parametrize('smoothing', [1e-3, 1e-6])
def test_a_short_step_beside_a_row_is_not_the_end(smoothing):
  # Smoothed, the first steps from row 0 are about `smoothing` long.
  found = iterate(
    STEERED, shares(6), 10_000, tolerance=1e-6, smoothing=smoothing
  )
  assert abs(found[0] + 1) <= smoothing


def test_it_ends_where_the_cost_is_near_the_least():
  x = np.random.default_rng(0).standard_normal((9, 4))

  def excess(tolerance):
    z = iterate(x, shares(9), 10_000, tolerance, smoothing=1e-9)
    return np.linalg.norm(x - z, axis=1).sum()

  least = excess(1e-12)
  for tolerance in (0.1, 1e-2, 1e-4):
    assert excess(tolerance) <= (1 + tolerance) * least + 1e-7
  assert excess(0.1) > least + 1e-7  # It did end early.


def test_values_that_are_not_finite_end_it():
  products = tf.fill([3, 3], tf.constant(np.nan, tf.float64))
  found = weiszfeld.iterate(
    products, tf.constant(shares(3)), tf.constant(shares(3)), 10**9, 1e-6, 0.1
  )
  np.testing.assert_array_equal(found, shares(3))


@pytest.mark.parametrize('smoothing', [0.0, 0.1])
def test_from_zero(smoothing):
  x = np.array([[3, 4], [0, -2], [1, 0], [1, 0]], np.float32)
  found = weiszfeld.from_zero(
    gram.gram(tf.constant(x)), tf.constant(shares(4)), smoothing
  )
  betas = np.array([1 / 5, 1 / 2, 1, 1])
  np.testing.assert_allclose(found, betas / betas.sum(), rtol=1e-12)


def test_from_zero_leaves_a_client_that_sends_zero():
  x = np.array([[0, 0], [3, 0], [4, 0], [0, 12]], np.float32)
  found = weiszfeld.from_zero(
    gram.gram(tf.constant(x)), tf.constant(shares(4)), 0.0
  )
  # The others pull with (2, 1) against a weight of 1.
  betas = np.array([1 / 3, 1 / 4, 1 / 12])
  goal = betas @ x[1:] / betas.sum()
  np.testing.assert_allclose(
    found.numpy() @ x, (1 - 1 / np.sqrt(5)) * goal, rtol=1e-7
  )
  np.testing.assert_allclose(np.sum(found), 1, rtol=1e-12)


def test_how_far_the_best_point_can_be_does_not_grow_with_far_rows():
  distances = np.array([1.0, 2.0, 3.0, 4.0, 1e9])
  reach, middle = weiszfeld.cost_scale(
    tf.constant(distances), tf.constant(shares(5))
  )
  # Of 3 rows 12 / 1, of 4 rows 20 / 3, of all 2e9 / 5.
  np.testing.assert_allclose([reach, middle], [20 / 3, 3.0])
