"""The geometric median against a long float64 reference, and by hand."""

import median_stacks
import numpy as np
import pytest
import tensorflow as tf

from flsec.numerics import gram, spatial_median


@tf.function(
  autograph=False,
  input_signature=[
    tf.TensorSpec([None, None], tf.float64),
    tf.TensorSpec([None], tf.float64),
    tf.TensorSpec([None], tf.float64),
  ],
)
def _shares(products, alphas, start):
  return spatial_median.shares(products, alphas, start, 1000, 1e-6)


def solve(x, weights=None, start=None):
  """Returns the shares of float32 rows in their geometric median."""
  x = np.asarray(x, np.float32)
  weights = np.ones(len(x)) if weights is None else np.asarray(weights, float)
  alphas = weights / weights.sum()
  start = alphas if start is None else start
  found = _shares(gram.gram(tf.constant(x)).centred, alphas, start).numpy()
  assert np.all(found >= 0)
  np.testing.assert_allclose(found.sum(), 1, rtol=1e-12)
  return found


def point(x, **more):
  return solve(x, **more) @ np.asarray(x, np.float64)


def _excess(number):
  """Returns how far above the least a stack's cost is, and what stack it is."""
  kind, x = median_stacks.stack(number)
  x64 = x.astype(np.float64)
  best = median_stacks.least_cost(x64)
  found = median_stacks.cost(x64, solve(x) @ x64)
  # Where all rows are equal, the mean of equal rows may round.
  rounding = 1e-14 * len(x) * np.linalg.norm(x64, axis=1).max()
  return (found - best - rounding) / max(best, 1e-300), f'{number}: {kind}'


def _worst(numbers):
  return max(_excess(number) for number in numbers)


@pytest.mark.parametrize('first', range(len(median_stacks.KINDS)))
def test_no_point_costs_less(first):
  kinds = len(median_stacks.KINDS)
  excess, what = _worst(range(first, 20 * kinds, kinds))
  assert excess <= 1e-6, what


@pytest.mark.slow
def test_no_point_costs_less_on_ten_thousand_stacks():
  excess, what = _worst(range(10_000))
  assert excess <= 1e-6, what


@pytest.mark.parametrize(
  ('number', 'power', 'shape'),
  [
    *((number, 3, (9, 4)) for number in range(6)),
    # Where Newton's whole step is too long.
    (1, 9, (6, 3)),
    (4, 9, (6, 3)),
    (10, 9, (5, 2)),
    (4, 9, (9, 4)),
  ],
)
def test_the_unit_does_not_matter(number, power, shape):
  # No number is rounded in another way where all are so many powers of two
  # smaller: their squares are still far from float64's least number.
  rng = np.random.default_rng([power, shape[0], number])
  x = rng.standard_normal(shape).astype(np.float32) ** power
  np.testing.assert_array_equal(solve(x * np.float32(2.0**-60)), solve(x))


def test_two_clients_of_six_do_not_hold_it_at_one_of_their_rows():
  x = [[0, 0], [4, 0], *[[-1, 0]] * 4]
  np.testing.assert_array_equal(point(x), [-1, 0])


@pytest.mark.parametrize('start', range(10))
def test_the_start_does_not_matter_even_on_a_row(start):
  x = np.random.default_rng(0).standard_normal((10, 5))
  found = point(x, start=np.eye(10)[start])
  np.testing.assert_allclose(found, point(x), atol=1e-5)


@pytest.mark.parametrize(
  ('x', 'wanted'),
  [
    ([[7.0, 1.0]], [7.0, 1.0]),
    ([[0.0], [1.0]], [0.5]),
    # Any point from 1 to 3 is best: the mean of the two middle rows.
    ([[0.0], [1.0], [3.0], [10.0]], [2.0]),
    ([[0.0], [1.0], [1.0], [3.0], [10.0], [11.0]], [5 / 3]),
    ([[0.0, 0.0], [1.0, 2.0], [2.0, 4.0], [9.0, 18.0]], [1.5, 3.0]),
    # The corners of a square, and of a flat triangle: its obtuse corner.
    ([[0, 0], [0, 2], [2, 0], [2, 2]], [1, 1]),
    ([[-9, 0], [9, 0], [0, 1]], [0, 1]),
  ],
)
def test_by_hand(x, wanted):
  np.testing.assert_allclose(point(x), wanted, rtol=1e-6)


def test_fermats_point_of_a_triangle():
  # 120 degrees between all pairs, seen from it.
  angles = np.deg2rad([90, 210, 330])
  units = np.stack([np.cos(angles), np.sin(angles)], axis=1)
  x = np.array([3, 5]) + np.array([[1.0], [2.0], [7.0]]) * units
  np.testing.assert_allclose(point(x), [3, 5], rtol=1e-6)


def test_weights_count_as_so_many_rows():
  x = np.random.default_rng(1).standard_normal((5, 3)).astype(np.float32)
  counts = [1, 3, 2, 1, 2]
  found = point(x, weights=counts)
  wanted = point(np.repeat(x, counts, axis=0))
  np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_a_row_of_no_weight_takes_no_part():
  x = np.array([[0, 0], [5, 5], [1, 0], [0, 1]], np.float32)
  found = solve(x, weights=[1, 0, 1, 1])
  assert found[1] == 0
  np.testing.assert_allclose(found[[0, 2, 3]], solve(x[[0, 2, 3]]), atol=1e-9)


def test_the_order_of_the_rows_does_not_matter():
  order = np.random.default_rng(2).permutation(9)
  x = np.random.default_rng(3).standard_normal((9, 4)).astype(np.float32)
  np.testing.assert_allclose(solve(x)[order], solve(x[order]), atol=1e-6)


@pytest.mark.parametrize('size', [1e3, 1e8, 1e16, 1e30])
def test_far_rows_do_not_loosen_the_bound_for_the_others(size):
  x = np.random.default_rng(4).standard_normal((9, 4)).astype(np.float32)
  x[6:] = -size * np.sign(x[:1])
  found = point(x)
  # In the limit the three pull with a force of 1 each.
  far = np.sign(x[0]) / 2
  near = x[:6].astype(np.float64)
  away = near - found
  pull = (away / np.linalg.norm(away, axis=1)[:, None]).sum(axis=0) - 3 * far
  assert np.linalg.norm(pull) <= 1e-4 + 1e3 / size


def test_values_that_are_not_finite_end_it():
  products = tf.fill([4, 4], tf.constant(np.nan, tf.float64))
  quarter = np.full(4, 0.25)
  found = spatial_median.shares(products, quarter, quarter, 10**9, 1e-6)
  assert found.shape == [4]


def test_it_compiles_under_xla_and_in_branches():
  x = np.random.default_rng(5).standard_normal((6, 3)).astype(np.float32)
  alphas = tf.constant(np.full(6, 1 / 6))

  def branch(rows):
    products = gram.gram(rows).centred
    return tf.cond(
      tf.reduce_all(tf.math.is_finite(rows)),
      lambda: spatial_median.shares(products, alphas, alphas, 100, 1e-6),
      lambda: alphas,
    )

  compiled = tf.function(branch, autograph=False, jit_compile=True)
  np.testing.assert_allclose(compiled(tf.constant(x)), solve(x), atol=1e-6)
