"""l1 norms of units: the criterion for filters."""

from collections.abc import Sequence

import tensorflow as tf

from flsec.models.layout import Layer
from flsec.pruning.vector import read


def l1_norms(weights: tf.Tensor, layers: Sequence[Layer]) -> tf.Tensor:
  """Returns float64 [units], the l1 norm of each unit's incoming weights.

  `norm[u] = sum over layers of sum |kernel[..., u]|`. Biases and normalisation
  parameters do not count.

  Args:
    weights: float [d].
    layers: one layer, or those whose units an addition ties together.

  Raises:
    ValueError: if the layers' units differ in number, or a kernel's last axis
      is not its units.
  """
  units = layers[0].units
  for layer in layers:
    if layer.units != units or layer.kernel.shape[-1] != units:
      raise ValueError(
        f'Layer {layer.name!r} has {layer.units} units and a kernel of shape '
        f'{layer.kernel.shape}; expected {units} on its last axis.'
      )
  return tf.add_n([_norms(weights, layer) for layer in layers])


def _norms(weights: tf.Tensor, layer: Layer) -> tf.Tensor:
  kernel = tf.cast(read(weights, layer.kernel), tf.float64)
  return tf.reduce_sum(tf.abs(kernel), axis=list(range(kernel.shape.rank - 1)))
