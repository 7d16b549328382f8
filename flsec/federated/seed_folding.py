"""Folds counters into a stream's seed, inside a graph: see `flsec.seeds`."""

import tensorflow as tf


def fold(seed: tf.Tensor, *counters: tf.Tensor) -> tf.Tensor:
  """Folds counters (round, epoch, step, ...) into an int [2] seed, in order."""
  for counter in counters:
    seed = tf.random.experimental.stateless_fold_in(
      seed, tf.cast(counter, seed.dtype), alg='philox'
    )
  return seed
