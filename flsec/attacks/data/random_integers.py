"""Random integers that every device and compiler draws alike."""

import tensorflow as tf


def random_integers(seed: tf.Tensor, shape: tf.Tensor) -> tf.Tensor:
  """Draws integers of the whole int32 range.

  Random floats of one seed differ between XLA and TensorFlow's own kernels; the
  generator's raw bits do not. Philox counts, too: the draw for a short batch is
  the beginning of that for a longer one, so that rows which only fill up a
  batch change nothing. For a bounded integer take the remainder, which
  TensorFlow gives the divisor's sign.

  Args:
    seed: int [2], a stateless seed.
    shape: int32 [k], of the result.

  Returns:
    int32 of that shape.
  """
  return tf.random.stateless_uniform(
    shape, seed, minval=None, maxval=None, dtype=tf.int32, alg='philox'
  )
