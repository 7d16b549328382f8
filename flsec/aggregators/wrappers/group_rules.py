"""Krum and Bulyan in many groups of coordinates at once, for GAS."""

import tensorflow as tf

from flsec.aggregators.wrappers import lowest_rows
from flsec.numerics import columns, order_statistics
from flsec.numerics.coordinate_groups import Block
from flsec.numerics.smallest_sums import sum_of_smallest


def distances_to_krum(block: Block, num_byzantine: columns.Count) -> tf.Tensor:
  """Returns float64 [g, n], `||x_i - a||` for Krum's a in each group.

  a is the mean of the n - f rows of lowest score. Where their Gram matrix K is
  at hand it is never formed: with s the shares, `||x_i - a||^2 = K_ii -
  2 (K s)_i + s'Ks`.
  """
  rows = block.rows.shape[1] or tf.shape(block.rows)[1]
  if lowest_rows.are_worth_it(block.rows):
    kept = _lowest(block, num_byzantine, rows - num_byzantine)
    shares = tf.cast(kept, tf.float64) / (rows - num_byzantine)
    mean = tf.matmul(shares[:, None], block.rows)  # [g, 1, c]
    return tf.norm(block.rows - mean, axis=2)
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
  if lowest_rows.are_worth_it(block.rows):
    kept = _lowest(block, num_byzantine, theta)
    chosen = tf.math.top_k(tf.cast(kept, tf.int32), theta)[1]
  else:
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


def _lowest(block: Block, num_byzantine: int, count: int) -> tf.Tensor:
  """Returns bool [g, n], the `count` rows of lowest score in each group."""
  rows = block.rows.shape[1]
  return tf.map_fn(
    lambda group: lowest_rows.lowest(group, rows - num_byzantine - 1, count),
    block.rows,
    parallel_iterations=1,
    fn_output_signature=tf.TensorSpec([rows], tf.bool),
  )


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
  return sum_of_smallest(distances, rows - num_byzantine - 1, rows)
