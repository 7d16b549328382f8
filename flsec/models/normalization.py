"""The normalisation that an architecture puts behind its layers."""

import math

import tensorflow as tf

NORMALIZATIONS = ('group', 'batch', 'none')
# As the papers' code (PyTorch) has it. Keras' 0.99 would take hundreds of
# batches to forget the initial statistics; a client sees a few in a round.
_MOMENTUM = 0.9
_GROUPS = 8


def check_normalization(model: str, normalization: str) -> None:
  """Refuses an unknown normalisation.

  Raises:
    ValueError: naming the model and the choices.
  """
  if normalization not in NORMALIZATIONS:
    raise ValueError(
      f'{model}: normalization must be one of {", ".join(NORMALIZATIONS)}; got '
      f'{normalization!r}.'
    )


def normalized(x: tf.Tensor, normalization: str, name: str) -> tf.Tensor:
  """Normalises the channels of a Keras tensor.

  Args:
    x: Keras tensor [b, ..., c].
    normalization: 'group' (8 groups, or as many as divide c), 'batch' (moving
      statistics are part of the weight vector, see `FlatModel`) or 'none'.
    name: of the layer.

  References:
    Hsieh et al., ICML 2020: group normalisation holds up where clients' data
    differ, and batch normalisation does not.
  """
  layers = tf.keras.layers
  if normalization == 'group':
    groups = math.gcd(_GROUPS, x.shape[-1])
    return layers.GroupNormalization(groups, name=name)(x)
  if normalization == 'batch':
    return layers.BatchNormalization(momentum=_MOMENTUM, name=name)(x)
  return x
