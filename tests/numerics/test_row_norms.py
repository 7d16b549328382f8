import numpy as np
import pytest
import tensorflow as tf

from flsec.numerics import columns, row_norms

_FUNCTION = tf.function(row_norms.row_norms, autograph=False)


@pytest.mark.parametrize('scale', [1e-30, 1e-15, 1.0, 1e15, 1e25, 1e36])
def test_norms_at_every_scale(scale):
  rows = np.random.default_rng(0).normal(size=[5, 700]) * scale
  rows = rows.astype(np.float32)
  norms, is_finite = _FUNCTION(tf.constant(rows))
  expected = np.linalg.norm(np.float64(rows), axis=1)
  # d roundings of each square and each sum, half of it left by the root.
  np.testing.assert_allclose(norms, expected, rtol=700 * 2.0**-23)
  assert np.all(is_finite)


def test_a_row_beside_rows_of_another_scale():
  rows = np.array([[3, 4], [3e20, 4e20], [3e-30, 4e-30], [0, 0]], np.float32)
  norms, is_finite = _FUNCTION(tf.constant(rows))
  np.testing.assert_allclose(norms, [5, 5e20, 5e-30, 0], rtol=1e-6)
  assert np.all(is_finite)


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize('column', [0, 1500, 2999])
def test_one_bad_entry_marks_its_row(value, column):
  rows = np.ones([3, 3000], np.float32)
  rows[1, column] = value
  norms, is_finite = _FUNCTION(tf.constant(rows))
  np.testing.assert_array_equal(is_finite, [True, False, True])
  np.testing.assert_allclose(norms.numpy()[[0, 2]], np.sqrt(3000), rtol=1e-4)
  found = tf.function(row_norms.finite_rows)(tf.constant(rows))
  np.testing.assert_array_equal(found, is_finite)


def test_sums_over_several_blocks_of_columns():
  width = columns.BLOCK_SIZE // 7
  rows = np.random.default_rng(0).normal(size=[7, 2 * width + 5])
  rows = np.float32(rows)
  norms, is_finite = _FUNCTION(tf.constant(rows))
  expected = np.linalg.norm(np.float64(rows), axis=1)
  # Sums are rounded as often as a block has columns; the root halves it.
  np.testing.assert_allclose(norms, expected, rtol=width * 2.0**-24)
  assert np.all(is_finite)
  rows[3, -1], rows[4, 0] = np.nan, 1e30
  norms, is_finite = _FUNCTION(tf.constant(rows))
  np.testing.assert_array_equal(is_finite, np.arange(7) != 3)
  np.testing.assert_allclose(norms[4], 1e30, rtol=1e-6)


def test_infinities_of_both_signs():
  rows = np.zeros([2, 4], np.float32)
  rows[0, :2] = np.inf, -np.inf
  assert _FUNCTION(tf.constant(rows))[1].numpy().tolist() == [False, True]
  np.testing.assert_array_equal(
    row_norms.finite_rows(tf.constant(rows)), [False, True]
  )


def test_the_largest_finite_row_is_finite_though_its_norm_is_not():
  rows = np.full([1, 4], 3.4e38, np.float32)
  norms, is_finite = _FUNCTION(tf.constant(rows))
  assert np.isinf(norms[0]) and is_finite[0]


def test_large_rows_are_finite():
  rows = np.full([2, 4000], 3.4e38, np.float32)
  assert np.all(tf.function(row_norms.finite_rows)(tf.constant(rows)))


def test_the_number_of_rows_may_be_unknown():
  spec = tf.TensorSpec([None, 2])
  function = tf.function(row_norms.row_norms, input_signature=[spec])
  for count in (0, 3):
    norms, is_finite = function(tf.fill([count, 2], 1e30))
    np.testing.assert_allclose(norms, np.full(count, 1e30 * 2**0.5), rtol=1e-6)
    assert is_finite.shape == [count]
