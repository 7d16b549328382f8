"""Exactly k of the largest entries, against NumPy."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from flsec.numerics import largest_entries

SEED = (4, 2)
D = 1000


@functools.cache
def _marker(compiled):
  def mark(rows, count, seed):
    return largest_entries.largest_entries(rows, count, seed)

  return tf.function(mark, autograph=False, jit_compile=compiled)


def marked(rows, count, seed=SEED, compiled=False):
  rows = tf.constant(np.asarray(rows, np.float32))
  return _marker(compiled)(rows, tf.constant(count), tf.constant(seed)).numpy()


def reference(rows, count, order):
  """Sorts each row by magnitude, equal ones by the order."""
  mask = np.zeros(np.shape(rows), bool)
  for row, chosen in zip(np.asarray(rows, np.float32), mask):
    chosen[np.lexsort((order, np.abs(row)))[::-1][:count]] = True
  return mask


def order_of(dimension, seed=SEED):
  return largest_entries.tie_order(dimension, tf.constant(seed)).numpy()


@functools.cache
def hard_rows():
  """Rows with everything that a search for a threshold may trip over."""
  rng = np.random.default_rng(0)
  x = rng.standard_normal((10, D)).astype(np.float32)
  x[1] = np.sign(x[1]) * 0.5  # One magnitude alone, as in Fang's attack.
  x[2] = np.round(x[2])  # A few magnitudes.
  x[3] = 0
  x[4, : D // 2] = -0.0
  x[5] *= np.float32(10.0) ** rng.integers(-37, 38, D)
  x[6] *= np.float32(1e-42)  # Below the smallest normal number.
  x[7, ::3] = np.inf
  x[8] = np.nextafter(np.float32(1), np.float32(2)) * np.sign(x[8])
  x[8, ::2] = 1
  x[9] = x[0][::-1]
  return x


@pytest.mark.parametrize('compiled', [False, True])
@pytest.mark.parametrize('count', [0, 1, 2, D // 3, D // 2, D - 1, D])
def test_hard_rows(count, compiled):
  found = marked(hard_rows(), count, compiled=compiled)
  np.testing.assert_array_equal(found.sum(axis=1), count)
  np.testing.assert_array_equal(
    found, reference(hard_rows(), count, order_of(D))
  )


def test_worked_by_hand():
  rows = [[3, -5, 0, 4], [0, 0, -1, 0], [-7, 6, 2, 1]]
  assert marked(rows, 2)[[0, 2]].tolist() == [
    [False, True, False, True],
    [True, True, False, False],
  ]
  # Of the three zeros the one that comes highest in the order.
  zeros = np.argmax(np.where([1, 1, 0, 1], order_of(4), 0))
  assert set(np.flatnonzero(marked(rows, 2)[1])) == {2, zeros}


@pytest.mark.parametrize('dimension', [1, 2, 3, 255, 256, 257, 4096])
def test_any_width(dimension):
  rows = np.random.default_rng(1).integers(-3, 4, (4, dimension))
  for count in {0, 1, dimension // 2, dimension}:
    np.testing.assert_array_equal(
      marked(rows, count), reference(rows, count, order_of(dimension))
    )


def test_blocks_of_rows_and_a_number_of_rows_known_late():
  # Three blocks of rows, that do not come out even.
  rows = np.random.default_rng(2).standard_normal((11, 150_000))
  rows = rows.astype(np.float32)
  found = marked(rows, 70_000)
  np.testing.assert_array_equal(
    found, reference(rows, 70_000, order_of(150_000))
  )
  late = tf.function(
    lambda x: largest_entries.largest_entries(
      x, tf.constant(70_000), tf.constant(SEED)
    ),
    autograph=False,
    input_signature=[tf.TensorSpec([None, 150_000])],
  )
  np.testing.assert_array_equal(late(rows[:3]), found[:3])


def test_all_rows_break_ties_alike_and_seeds_differ():
  rows = np.outer([1.0, -2.0, 1e-3], np.ones(D))
  found = marked(rows, 300)
  np.testing.assert_array_equal(found[1:], found[[0, 0]])
  other = marked(rows, 300, seed=(4, 3))
  # 300 of 1,000 twice have 90 in common, give or take 4 x 7.
  assert 60 < (found[0] & other[0]).sum() < 120
  np.testing.assert_array_equal(found, marked(rows, 300))


def test_the_order_holds_every_number_once():
  for dimension in (1, 2, 3, 4, 100, 128, 129):
    order = order_of(dimension)
    assert len(set(order.tolist())) == dimension
    assert order.min() >= 1
    assert order.max() <= 2 * dimension  # One bit more at most.


def test_ties_favour_no_place():
  # Each of 64 equal entries should be among 16 of them in a quarter of the
  # seeds: 100 of 400, give or take 5 x 8.7.
  wins = sum(marked(np.ones((1, 64)), 16, seed=(s, 1))[0] for s in range(400))
  assert wins.sum() == 16 * 400
  assert wins.min() >= 56
  assert wins.max() <= 144
