"""Sums of pruned rows, at every scale that float32 has."""

import feder_reference
import numpy as np
import pytest
import tensorflow as tf

from flsec.aggregators import masked_scores
from flsec.numerics import largest_entries

SEED = (1, 2)


def scores(rows, root, count, **options):
  @tf.function(autograph=False)
  def run(rows, root):
    return masked_scores.masked_scores(
      rows, root, tf.constant(count), tf.constant(SEED), **options
    )

  found = run(tf.constant(rows), tf.constant(root))
  return masked_scores.Scores(*(value.numpy() for value in found))


def reference(rows, root, count, additive):
  """Returns masks, cosines, norms and means in float64."""
  order = largest_entries.tie_order(len(root), tf.constant(SEED)).numpy()
  root_mask = feder_reference.top_mask(root, count, order)
  masks, cosines, norms, means = [], [], [], []
  for row in rows:
    own = feder_reference.top_mask(row, count, order)
    mask = own | root_mask if additive else own & root_mask
    kept = np.float64(row) * own * mask
    point = np.float64(root) * root_mask * mask
    norm, length = np.linalg.norm(kept), np.linalg.norm(point)
    masks.append(own if additive else mask)
    cosines.append(kept @ point / norm / length if norm and length else 0)
    norms.append(norm)
    means.append(np.abs(kept).sum() / mask.sum())
  root_norm = np.linalg.norm(np.float64(root) * root_mask)
  return np.array(masks), cosines, norms, means, root_norm


@pytest.mark.parametrize('additive', [False, True])
@pytest.mark.parametrize('root_scale', [1e-30, 1.0, 1e30])
def test_rows_of_any_scale_side_by_side(additive, root_scale):
  rng = np.random.default_rng(0)
  root = (rng.standard_normal(800) * root_scale).astype(np.float32)
  rows = rng.standard_normal((9, 800)).astype(np.float32) + np.sign(root)
  # Squares of the first three and of the last two do not fit in float32.
  rows *= np.float32(10.0) ** np.array(
    [[-37], [-30], [-20], [-10], [-3], [0], [3], [20], [37]], np.float32
  )
  found = scores(rows, root, 300, is_additive=additive)
  masks, cosines, norms, means, root_norm = reference(rows, root, 300, additive)
  np.testing.assert_array_equal(found.masks, masks)
  np.testing.assert_allclose(found.cosines, cosines, rtol=0, atol=2e-6)
  np.testing.assert_allclose(found.norms, norms, rtol=2e-6)
  np.testing.assert_allclose(found.means, means, rtol=2e-6)
  np.testing.assert_allclose(found.root_norm, root_norm, rtol=1e-12)


def test_the_largest_and_the_smallest_numbers():
  largest = np.finfo(np.float32).max
  rows = np.array([[largest] * 4, [2e-38] * 4, [0] * 4], np.float32)
  found = scores(rows, np.ones(4, np.float32), 4)
  np.testing.assert_allclose(found.cosines, [1, 1, 0], atol=1e-6)
  np.testing.assert_allclose(found.norms, [2 * largest, 4e-38, 0], rtol=1e-6)
  np.testing.assert_allclose(found.means, [largest, 2e-38, 0], rtol=1e-6)


def test_entries_that_are_not_zero_are_counted():
  rows = np.array([[3, 0, 0, 0], [1, 2, 3, 4], [0, 0, 0, 0]], np.float32)
  found = scores(rows, np.ones(4, np.float32), 3)
  assert found.sent_entries.tolist() == [1, 3, 0]
  assert scores(rows[1:2], np.ones(4, np.float32), 2).sent_entries == [2]


def test_the_sum_of_masked_rows():
  rng = np.random.default_rng(1)
  rows = rng.standard_normal((5, 30_000)).astype(np.float32)
  masks = rng.random(rows.shape) < 0.4
  shares = rng.standard_normal(5)
  found = masked_scores.masked_sum(
    tf.constant(shares), tf.constant(rows), tf.constant(masks)
  )
  np.testing.assert_allclose(found, shares @ (rows * masks), atol=1e-5)


def test_a_masked_mean_at_the_end_of_the_range_stays_in_it():
  # The float32 shares of 6 rows, 1/6 each, come to more than 1.
  rows = np.full((6, 4), np.finfo(np.float32).max)
  masks = np.array([[True, True, False, True]] * 6)
  found = masked_scores.masked_sum(
    tf.fill([6], 1 / 6), tf.constant(rows), tf.constant(masks)
  )
  np.testing.assert_allclose(found, rows[0] * masks[0], rtol=1e-6)
