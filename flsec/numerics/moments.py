"""Means and deviations over the clients, column by column, in one pass."""

import tensorflow as tf

from flsec.numerics import columns


def mean(rows: tf.Tensor) -> tf.Tensor:
  """Returns the mean row, [r, d] -> [d], in one pass."""
  return tf.reduce_mean(rows, axis=0)


def centred(block: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
  """Returns a block's mean [w], its rows less the mean, and their squares."""
  block_mean = tf.reduce_mean(block, axis=0)
  deviations = block - block_mean  # [r, w]
  return block_mean, deviations, tf.square(deviations)


def sample_std(squares: tf.Tensor) -> tf.Tensor:
  """Returns the std (ddof = 1; 0 of one row) from squared deviations."""
  degrees = tf.cast(tf.maximum(tf.shape(squares)[0] - 1, 1), squares.dtype)
  return tf.sqrt(tf.reduce_sum(squares, axis=0) / degrees)


def mean_and_std(rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns the mean row and the sample std, [r, d] -> ([d], [d]).

  In two steps in each block, so that a mean far above the spread costs no
  digits. ddof = 1; one row has std 0.
  """

  def visit(block: tf.Tensor) -> tuple[columns.Tensors, columns.Tensors]:
    block_mean, _, squares = centred(block)
    return (block_mean, sample_std(squares)), ()

  return columns.ask(rows, columns.Asker(visit, (rows.dtype, rows.dtype)))


def spread(rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
  """Returns mean [d], std [d] and each row's squared distance to the mean [r].

  One pass. The distances are float64.
  """

  def visit(block: tf.Tensor) -> tuple[columns.Tensors, columns.Tensors]:
    block_mean, _, squares = centred(block)
    distances = tf.cast(tf.reduce_sum(squares, axis=1), tf.float64)
    return (block_mean, sample_std(squares)), (distances,)

  zero = tf.zeros([columns.num_rows(rows)], tf.float64)
  asker = columns.Asker(visit, (rows.dtype, rows.dtype), (zero,))
  return columns.ask(rows, asker)
