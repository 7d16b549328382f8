"""Distances and cosines of long rows, against float64 NumPy."""

import numpy as np
import pytest
import rule_references as reference
import tensorflow as tf

from flsec.numerics import backend, columns, float32_products, gram

# Two blocks and a rest; a block is 16 pieces and no rest.
DIMENSION, CLIENTS = 20_300, 11


@pytest.fixture(autouse=True)
def _several_blocks(monkeypatch):
  monkeypatch.setattr(columns, 'BLOCK_SIZE', CLIENTS * 8400)


def rows(scale=1.0, offset=0.0, seed=0, dimension=DIMENSION):
  x = np.random.default_rng(seed).standard_normal((CLIENTS, dimension))
  return (scale * x + offset).astype(np.float32)


def distances(x):
  return gram.squared_distances(tf.constant(x)).numpy()


@pytest.mark.parametrize('scale', [1e-30, 1e-15, 1e-8, 1e-3, 1.0, 1e8, 1e15])
@pytest.mark.parametrize('offset', [0.0, 1000.0])
def test_distances_hold_at_every_scale(scale, offset):
  x = rows(scale, offset * scale)
  wanted = reference.squared_distances(x)
  assert wanted[0, 1] > 0
  np.testing.assert_allclose(distances(x), wanted, rtol=1e-5)


@pytest.mark.parametrize('dimension', [8192, 8193, 8191, 4 * 8192])
def test_every_column_counts(dimension):
  x = rows(dimension=dimension)
  wanted = reference.squared_distances(x)
  np.testing.assert_allclose(distances(x), wanted, rtol=1e-5)
  whole = np.round(x)  # Whole numbers stay whole.
  np.testing.assert_array_equal(
    distances(whole), reference.squared_distances(whole)
  )


@pytest.mark.parametrize('size', [1e3, 1e6, 1e18, 1e30, 3e38])
def test_far_rows_do_not_disturb_the_distances_of_the_others(size):
  x = rows(1e-3)
  x[4] = size
  x[7] = -size
  wanted = reference.squared_distances(x)
  np.testing.assert_allclose(distances(x), wanted, rtol=1e-5)


@pytest.mark.parametrize('spread', [1e-1, 1e-2, 1e-3])
def test_rows_that_are_near_each_other_and_far_from_the_rest(spread):
  x = rows()
  x[6:] = 30 * x[6] + spread * x[6:]
  wanted = reference.squared_distances(x)
  assert wanted[7, 8] < 1e-4 * wanted[0, 7]
  np.testing.assert_allclose(distances(x), wanted, rtol=1e-5)


def test_equal_rows_are_at_distance_zero_and_equally_far_from_all():
  x = rows(seed=1)
  x[[2, 5, 9]] = x[2]
  found = distances(x)
  np.testing.assert_array_equal(found[np.ix_([2, 5, 9], [2, 5, 9])], 0)
  np.testing.assert_array_equal(found[2], found[5])
  np.testing.assert_array_equal(found[2], found[9])
  np.testing.assert_array_equal(found, found.T)
  assert np.count_nonzero(found == 0) == CLIENTS + 6
  np.testing.assert_array_equal(distances(np.repeat(x[:1], 5, axis=0)), 0)


def test_the_order_of_the_rows_does_not_matter():
  x = rows(seed=2)
  x[[1, 8]] = 1e3 * x[1]
  order = np.random.default_rng(3).permutation(CLIENTS)
  np.testing.assert_allclose(
    distances(x[order]), distances(x)[np.ix_(order, order)], rtol=1e-5
  )


def test_a_number_of_rows_that_is_not_known_before():
  x = rows(seed=4)
  x[8] = x[3]

  @tf.function(input_signature=[tf.TensorSpec([None, DIMENSION])])
  def run(updates):
    return gram.squared_distances(updates), gram.cosines(updates)

  squared, cosines = run(x)
  wanted = reference.squared_distances(x)
  np.testing.assert_allclose(squared, wanted, rtol=1e-5)
  np.testing.assert_allclose(cosines, reference.cosines(x), atol=1e-6)


def _missing_to_one(x):
  """Returns 1 - cosines, to all their digits."""
  unit = x.astype(np.float64)
  unit /= np.linalg.norm(unit, axis=1, keepdims=True)
  return reference.squared_distances(unit) / 2


@pytest.mark.parametrize('scale', [1e-30, 1e-8, 1.0, 1e8, 1e25])
@pytest.mark.parametrize('offset', [0.0, 0.5, 3.0, 100.0])
def test_cosines(scale, offset):
  x = rows(scale, offset * scale, seed=5)
  x[3] *= 100
  found = gram.cosines(tf.constant(x)).numpy()
  np.testing.assert_allclose(found, reference.cosines(x), atol=1e-6)
  np.testing.assert_allclose(1 - found, _missing_to_one(x), rtol=1e-5)


def test_the_cosine_with_a_zero_row_is_zero_and_of_equal_rows_the_same():
  x = rows(seed=6)
  x[2] = 0
  x[5] = x[7]
  cosines = gram.cosines(tf.constant(x)).numpy()
  np.testing.assert_array_equal(cosines[2], 0)
  np.testing.assert_allclose(cosines[5, 7], 1, rtol=1e-15)
  x[2] = 1
  cosines = gram.cosines(tf.constant(x)).numpy()
  np.testing.assert_array_equal(
    np.delete(cosines[5], [5, 7]), np.delete(cosines[7], [5, 7])
  )
  np.testing.assert_allclose(cosines, reference.cosines(x), atol=1e-6)


def test_xla_and_accelerators_are_given_float64(monkeypatch):
  x = rows(seed=7)
  wanted = reference.squared_distances(x)
  # What float32 gives is farther off.
  off = np.abs(distances(x) - wanted).max() / wanted.max()
  assert 1e-11 < off < 1e-5
  compiled = tf.function(gram.squared_distances, jit_compile=True)
  np.testing.assert_allclose(compiled(tf.constant(x)), wanted, rtol=1e-11)
  monkeypatch.setattr(backend, 'has_accelerator', lambda: True)
  np.testing.assert_allclose(distances(x), wanted, rtol=1e-11)


@pytest.mark.parametrize('width', [100, 512, 1300])
def test_pieces_and_their_rest(width):
  x = rows(seed=8, dimension=width)
  found = float32_products._in_pieces(tf.constant(x))
  wanted = x.astype(np.float64) @ x.T.astype(np.float64)
  np.testing.assert_allclose(found, wanted, atol=1e-3)
