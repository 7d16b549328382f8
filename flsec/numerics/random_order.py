"""A random order that is the same on every device."""

import tensorflow as tf

from flsec.numerics import columns


def random_order(count: columns.Count, seed: tf.Tensor) -> tf.Tensor:
  """Returns int32 [count], a random order of 0 to count - 1.

  Made from Philox numbers on every device, so that CPU, GPU and XLA agree.
  """
  keys = tf.random.stateless_uniform(
    [count], seed, None, None, tf.int32, alg='philox'
  )
  return tf.argsort(keys, stable=True)
