"""Named streams of stateless randomness, all from one root seed.

Every draw of a run hashes (root seed, stream name, client id) outside the
graph and folds in the round and step inside it, so that a result depends on no
order of threads, workers or runtimes.
"""

import hashlib

import numpy as np
import tensorflow as tf


def stream(seed: int, name: str, *indices: int) -> np.ndarray:
  """Returns the int64 [2] seed of a named stream.

  Args:
    seed: the experiment's root seed.
    name: of the stream, e.g. 'client' or 'rule'.
    *indices: e.g. a client id.
  """
  text = '/'.join([str(seed), name, *map(str, indices)])
  digest = hashlib.sha256(text.encode()).digest()
  return np.frombuffer(digest[:16], dtype='<i8').copy()


def fold(seed: tf.Tensor, *counters: tf.Tensor) -> tf.Tensor:
  """Folds counters (round, epoch, step, ...) into an int [2] seed, in order."""
  for counter in counters:
    seed = tf.random.experimental.stateless_fold_in(
      seed, tf.cast(counter, seed.dtype), alg='philox'
    )
  return seed
