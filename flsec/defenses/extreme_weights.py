"""The weights of a layer that lie far from its mean."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from flsec.defenses import channels
from flsec.models.layout import Layer
from flsec.numerics import extreme_values


def extreme_weights(
  weights: np.ndarray,
  mask: np.ndarray,
  layer: Layer,
  deltas: Sequence[float],
) -> np.ndarray:
  """Says at which Delta each weight of a kernel is extreme for the first time.

  It is where it lies outside [mu - Delta sigma, mu + Delta sigma]; mu and sigma
  (population) are over the surviving weights, as the mask has it and not by
  their being zero, and the same for every Delta. Biases take no part. The
  self-pruning attack works with the same numbers
  (`flsec.numerics.extreme_values`).

  Args:
    weights: float32 [d].
    mask: bool [d], what is removed for good.
    layer: whose kernel.
    deltas: falling.

  Returns:
    int32 [d]: k + 1 for deltas[k]; `channels.NEVER` for all other weights.

  References:
    Wu et al., "Mitigating backdoor attacks in federated learning", 2020,
    section IV-C.
  """
  span = layer.kernel
  rows = slice(span.start, span.stop)
  distance, deviation = (
    value.numpy()
    for value in extreme_values.spread(
      tf.constant(weights[rows]), tf.constant(~mask[rows])
    )
  )
  zeroed_at = np.full(len(weights), channels.NEVER, np.int32)
  first = zeroed_at[rows]
  for point in range(len(deltas), 0, -1):
    first[(distance > deltas[point - 1] * deviation) & ~mask[rows]] = point
  return zeroed_at
