"""Normalisation layers seen as part of the layer that they follow."""

from typing import NamedTuple

import tensorflow as tf

from flsec.models.layout import Layer, Layout
from flsec.pruning.vector import read

# Keras' own default; the layout does not carry a layer's epsilon.
BATCH_NORMALISATION_EPSILON = 1e-3


class Normalisation(NamedTuple):
  """What the norms behind a layer do to its units: `scale * z + offset`.

  Attributes:
    scale, offset: float64 [units].
    standardises: whether z is the unit's own output (False: batch
      normalisation with moving statistics, which are in scale and offset), or
      its standard score (True: group and layer normalisation).
  """

  scale: tf.Tensor
  offset: tf.Tensor
  standardises: bool


def normalisation(
  weights: tf.Tensor, layout: Layout, layer: Layer
) -> Normalisation:
  """Reads the norms between a layer and its consumers as one affine map."""
  scale = tf.ones([layer.units], tf.float64)
  offset = tf.zeros([layer.units], tf.float64)
  standardises = False
  for name in layer.norms:
    spans = layout[name].spans
    values = {
      key: tf.cast(read(weights, s), tf.float64) for key, s in spans.items()
    }
    factor = values.get('gamma', tf.ones_like(scale))
    shift = values.get('beta', tf.zeros_like(offset))
    if 'moving_variance' in values:
      factor /= tf.sqrt(values['moving_variance'] + BATCH_NORMALISATION_EPSILON)
      shift -= factor * values['moving_mean']
    else:
      standardises = True
    scale, offset = scale * factor, offset * factor + shift
  return Normalisation(scale, offset, standardises)


def folded(
  weights: tf.Tensor, layout: Layout, layer: Layer
) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns kernel [..., units] and bias [units], float64, with norms inside.

  Exact for batch normalisation with moving statistics. For group and layer
  normalisation the division by the deviation, which depends on the data, is
  left out.
  """
  norm = normalisation(weights, layout, layer)
  kernel, bias = kernel_and_bias(weights, layer)
  return kernel * norm.scale, bias * norm.scale + norm.offset


def kernel_and_bias(
  weights: tf.Tensor, layer: Layer
) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns a layer's own kernel and bias (zero where absent), float64."""
  kernel = tf.cast(read(weights, layer.kernel), tf.float64)
  if layer.bias is None:
    return kernel, tf.zeros([layer.units], tf.float64)
  return kernel, tf.cast(read(weights, layer.bias), tf.float64)
