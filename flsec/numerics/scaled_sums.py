"""Sums of float32 that stay finite where all that is added is.

Values are scaled down by a power of two, added, and scaled up again.
"""

import tensorflow as tf

# What shares are scaled by: float32 ones sum to a little more than 1, so that a
# mean of values at the end of the range would be infinite.
HALF = 0.5


def undo(mean: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
  """Returns `mean / factor`, finite where the mean of scaled values is.

  Sums round, so that a mean of values at the very end of the range may come out
  a little beyond them: it is brought back.

  Args:
    mean: a mean of values times `factor`, of any floating type.
    factor: a power of two, at most 1, of the same type.
  """
  most = factor * mean.dtype.max
  near = tf.clip_by_value(mean, -most, most)
  return tf.where(tf.math.is_finite(mean), near, mean) / factor
