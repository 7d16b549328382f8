import numpy as np
import pytest
import rounding
import tensorflow as tf
from crafting import stack

from flsec.numerics import column_scan


def _visit(block):
  doubled = tf.reduce_sum(block, axis=0) * 2
  return (doubled,), (tf.reduce_sum(tf.cast(block, tf.float64)),)


@pytest.mark.parametrize('dimension', [1, 3, 4, 5, 8, 9, 13])
def test_blocks_join_to_what_one_block_gives(dimension):
  rows = stack(3, dimension)
  (columns,), (total,) = column_scan.scan_columns(
    tf.constant(rows), _visit, block_columns=4
  )
  np.testing.assert_allclose(columns, rows.sum(axis=0) * 2, rtol=1e-6)
  np.testing.assert_allclose(total, rows.astype(np.float64).sum(), rtol=1e-12)


def test_an_unknown_width_is_one_block():
  seen = []

  @tf.function(input_signature=[tf.TensorSpec([None, None])])
  def scan(rows):
    def visit(block):
      seen.append(block.shape)
      return _visit(block)

    return column_scan.scan_columns(rows, visit, block_columns=4)

  rows = stack(3, 9)
  (columns,), _ = scan(rows)
  np.testing.assert_allclose(columns, rows.sum(axis=0) * 2, rtol=1e-6)
  assert len(seen) == 1


@pytest.mark.parametrize('dimension', [5, column_scan.BLOCK_COLUMNS * 2 + 7])
def test_mean_and_std_match_float64(dimension):
  rows = stack(6, dimension)
  mean, std = column_scan.mean_and_std(tf.constant(rows))
  exact = rows.astype(np.float64)
  terms = np.abs(exact).mean(axis=0)
  rounding.assert_close(mean, exact.mean(axis=0), terms=terms, length=len(rows))
  np.testing.assert_allclose(std, exact.std(axis=0, ddof=1), rtol=1e-5)


def test_the_spread_survives_a_mean_far_above_it():
  rows = np.array([[1000.0], [1000.25], [1000.5]], np.float32)
  _, std = column_scan.mean_and_std(tf.constant(rows))
  np.testing.assert_allclose(std, [0.25], rtol=1e-6)


def test_one_row_has_no_spread():
  mean, std = column_scan.mean_and_std(tf.constant([[2.0, -3.0]]))
  np.testing.assert_array_equal(mean, [2, -3])
  np.testing.assert_array_equal(std, [0, 0])
