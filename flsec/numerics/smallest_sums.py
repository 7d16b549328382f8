"""Sums of the smallest of many numbers, without sorting them."""

import tensorflow as tf

from flsec.numerics import backend, columns


def sum_of_smallest(
  values: tf.Tensor, count: columns.Count, rows: columns.Count
) -> tf.Tensor:
  """Adds up the `count` smallest of the `rows` entries of the last axis.

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
