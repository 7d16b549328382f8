"""Distances and inner products against float64 NumPy, at hard scales."""

import numpy as np
import pytest
import rule_references as reference
import tensorflow as tf

from flsec.numerics import columns, gram


@pytest.fixture(autouse=True)
def _several_blocks(monkeypatch):
  # Blocks of 1,024 columns: 2,500 make two and a rest.
  monkeypatch.setattr(columns, 'BLOCK_SIZE', 1)


def rows(scale=1.0, offset=0.0, seed=0, clients=9, dimension=2500):
  x = np.random.default_rng(seed).standard_normal((clients, dimension))
  return (scale * x + offset).astype(np.float32)


@pytest.mark.parametrize('scale', [1.0, 1e-3, 1e-5, 1e-8])
@pytest.mark.parametrize('offset', [0.0, 1000.0])
def test_distances_hold_at_every_scale(scale, offset):
  x = rows(scale, offset * scale)
  found = gram.squared_distances(tf.constant(x))
  wanted = reference.squared_distances(x)
  assert wanted[0, 1] > 0
  np.testing.assert_allclose(found, wanted, rtol=1e-6)


@pytest.mark.parametrize('size', [1e6, 1e30, 3e38])
def test_a_far_row_does_not_disturb_the_distances_of_the_others(size):
  x = rows(1e-3)
  x[4] = size
  found = gram.squared_distances(tf.constant(x)).numpy()
  wanted = reference.squared_distances(x)
  np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_distances_are_symmetric_with_an_exact_zero_diagonal():
  found = gram.squared_distances(tf.constant(rows(seed=1))).numpy()
  np.testing.assert_array_equal(found, found.T)
  np.testing.assert_array_equal(np.diag(found), np.zeros(9))


def test_distances_of_whole_numbers_are_whole():
  x = np.array([[0.0], [1], [2], [4], [100]], np.float32)
  found = gram.squared_distances(tf.constant(x)).numpy()
  np.testing.assert_array_equal(found[0], [0, 1, 4, 16, 10000])


def test_identical_rows_are_at_distance_zero():
  x = np.repeat(rows()[:1], 4, axis=0)
  found = gram.squared_distances(tf.constant(x)).numpy()
  np.testing.assert_array_equal(found, np.zeros((4, 4)))


@pytest.mark.parametrize('scale', [1.0, 1e-8])
def test_inner_products_norms_and_cosines_are_of_the_raw_rows(scale):
  x = rows(scale, 3 * scale, seed=2)
  products = gram.gram(tf.constant(x))
  wanted = x.astype(np.float64) @ x.T.astype(np.float64)
  np.testing.assert_allclose(products.inner_products(), wanted, rtol=1e-6)
  np.testing.assert_allclose(
    products.squared_norms(), np.diag(wanted), rtol=1e-9
  )
  np.testing.assert_allclose(
    products.cosines(), reference.cosines(x), rtol=1e-6
  )
  np.testing.assert_allclose(
    products.squared_distances(), reference.squared_distances(x), rtol=1e-6
  )


def test_the_cosine_with_a_zero_row_is_zero():
  x = rows(seed=3)
  x[2] = 0
  cosines = gram.gram(tf.constant(x)).cosines().numpy()
  np.testing.assert_array_equal(cosines[2], np.zeros(9))
  assert cosines[0, 0] == 1


def test_distances_to_a_point_and_norms():
  x, point = rows(seed=4), rows(seed=5)[0]
  x[3] = 1e30
  difference = x.astype(np.float64) - point
  np.testing.assert_allclose(
    gram.squared_distances_to(tf.constant(x), tf.constant(point)),
    np.sum(difference**2, axis=1),
    rtol=1e-12,
  )
  np.testing.assert_allclose(
    gram.squared_norms(tf.constant(x)),
    np.sum(x.astype(np.float64) ** 2, axis=1),
    rtol=1e-12,
  )


def test_squared_distances_from_inner_products():
  points = np.array([[0.0, 0.0], [3.0, 4.0], [3.0, 4.0]])
  found = gram.distances_between(tf.constant(points @ points.T))
  np.testing.assert_allclose(found, [[0, 25, 25], [25, 0, 0], [25, 0, 0]])


def test_squared_distances_are_never_negative():
  products = tf.constant([[1.0, 1.0 + 1e-12], [1.0 + 1e-12, 1.0]], tf.float64)
  assert float(tf.reduce_min(gram.distances_between(products))) == 0


@pytest.mark.parametrize(
  ('largest', 'middle'),
  # Of an even number the lower one; of equals the first.
  [([7], 0), ([1, 9], 0), ([3, 1, 2], 2), ([4, 3, 1, 2], 3), ([5, 5, 5], 1)],
)
def test_the_middle_row_has_the_median_largest_entry(largest, middle):
  rows = np.float32(
    [[size, 0] if size % 2 else [0.5, -size] for size in largest]
  )
  assert gram.middle_row(tf.constant(rows)) == middle
