"""Krum and Bulyan in many groups of coordinates at once, for GAS."""

import tensorflow as tf

from flsec.numerics import backend, columns, order_statistics
from flsec.numerics.coordinate_groups import Block


def distances_to_krum(block: Block, num_byzantine: columns.Count) -> tf.Tensor:
  """Returns float64 [g, n], `||x_i - a||` for Krum's a in each group.

  a is the mean of the n - f rows of lowest score. It is never formed: with K
  the Gram matrix and s the shares, `||x_i - a||^2 = K_ii - 2 (K s)_i + s'Ks`.
  """
  rows = block.rows.shape[1] or tf.shape(block.rows)[1]
  products = tf.matmul(block.rows, block.rows, transpose_b=True)  # [g, n, n]
  scores = _krum_scores(products, num_byzantine)
  count = rows - num_byzantine
  rank = tf.argsort(tf.argsort(scores, axis=1, stable=True), axis=1)
  shares = tf.cast(rank < count, tf.float64) / tf.cast(count, tf.float64)
  to_mean = tf.linalg.matvec(products, shares)  # [g, n]
  mean_square = tf.reduce_sum(shares * to_mean, axis=1, keepdims=True)
  squares = tf.linalg.diag_part(products) - 2.0 * to_mean + mean_square
  return tf.sqrt(tf.maximum(squares, 0.0))


def distances_to_bulyan(
  block: Block, num_byzantine: int, *, averages_deviations: bool
) -> tf.Tensor:
  """Returns float64 [g, n], `||x_i - a||` for Bulyan's a in each group.

  Args:
    block: of updates.
    num_byzantine: f; a averages n - 4 f values of n - 2 f rows.
    averages_deviations: whether a averages the distances to the (lower) median
      instead of the values.
  """
  rows = block.rows.shape[1] or tf.shape(block.rows)[1]
  theta = rows - 2 * num_byzantine
  products = tf.matmul(block.rows, block.rows, transpose_b=True)
  scores = _krum_scores(products, num_byzantine)
  chosen = tf.argsort(scores, axis=1, stable=True)[:, :theta]
  values = tf.transpose(
    tf.gather(block.rows, chosen, batch_dims=1), [1, 0, 2]
  )  # [theta, g, c]
  shape = tf.shape(block.middle)
  size = block.middle.shape.num_elements()
  values = tf.ensure_shape(
    tf.reshape(values, [theta, size]), [chosen.shape[1], size]
  )
  count = theta - 2 * num_byzantine
  if averages_deviations:
    mean = tf.reshape(_mean_deviation(values, theta, count), shape)
    mean = (mean - block.middle) * block.is_real
  else:
    mean = order_statistics.mean_nearest_median(values, count)
    mean = tf.reshape(mean, shape)
  return tf.norm(block.rows - mean[:, None], axis=2)


def _mean_deviation(
  values: tf.Tensor, theta: columns.Count, count: columns.Count
) -> tf.Tensor:
  middle = (theta - 1) // 2
  median = order_statistics.mean_of_ranks(values, middle, middle)
  return order_statistics.mean_of_ranks(tf.abs(values - median), 0, count - 1)


def _krum_scores(
  products: tf.Tensor, num_byzantine: columns.Count
) -> tf.Tensor:
  """Returns float64 [g, n], squared distances to n - f - 2 others added up."""
  squares = tf.linalg.diag_part(products)
  distances = squares[:, :, None] + squares[:, None, :] - 2.0 * products
  distances = tf.maximum(distances, 0.0)
  distances = tf.linalg.set_diag(distances, tf.zeros_like(squares))
  rows = products.shape[1] or tf.shape(products)[1]
  # The distance to itself is 0 and makes no difference.
  return _sum_of_smallest(distances, rows - num_byzantine - 1, rows)


def _sum_of_smallest(
  values: tf.Tensor, count: columns.Count, rows: columns.Count
) -> tf.Tensor:
  """Adds up the `count` smallest entries of the last axis.

  Few entries are left out, and finding those is cheaper than sorting. Taking
  them off the sum would lose all digits to a far row, so the others are added.
  """
  dropped = rows - count
  if isinstance(dropped, int) and isinstance(count, int) and count < dropped:
    return -tf.reduce_sum(tf.math.top_k(-values, count)[0], axis=-1)
  bound = _least_dropped(values, count, dropped)[..., None]
  is_below = values < bound
  total = tf.reduce_sum(tf.where(is_below, values, 0.0), axis=-1)
  ties = count - tf.reduce_sum(tf.cast(is_below, tf.int32), axis=-1)
  return total + tf.cast(ties, values.dtype) * bound[..., 0]


def _least_dropped(
  values: tf.Tensor, count: columns.Count, dropped: columns.Count
) -> tf.Tensor:
  """Returns the smallest entry of the last axis but `count`."""
  if backend.is_compiled() or backend.has_accelerator():
    # Only CPUs have a kernel that selects without ordering what it selects.
    return tf.math.top_k(values, dropped)[0][..., -1]
  return tf.raw_ops.NthElement(input=values, n=count)
