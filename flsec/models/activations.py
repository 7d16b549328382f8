"""What a Keras layer does to its numbers one by one."""

from typing import Any, Optional

import tensorflow as tf


def name_of(layer: tf.keras.layers.Layer) -> Optional[str]:
  """Returns the name of the activation a layer applies, None if none."""
  if isinstance(layer, tf.keras.layers.ReLU):
    return _relu_name(layer)
  function = _function(layer)
  if function is None or function is tf.keras.activations.linear:
    return None
  name = getattr(function, '__name__', type(function).__name__)
  # A function of the user's own may have the name of one of Keras.
  module = getattr(function, '__module__', None) or ''
  is_known = module.startswith(('keras.', 'tensorflow.'))
  return name if is_known else f'{name} of {module}'


def check_logits(layer: tf.keras.layers.Layer) -> None:
  """Refuses an output layer that puts out probabilities.

  Told by what the activation makes of numbers, so that it may be anybody's.

  Raises:
    ValueError: naming the layer and its activation.
  """
  function = _function(layer)
  if function is None:
    return
  probe = tf.constant([[-50.0, 0.0, 50.0], [-50.0, -60.0, -70.0]])
  outputs = function(probe)
  if tf.reduce_all((outputs >= 0.0) & (outputs <= 1.0)):
    raise ValueError(
      f'The model ends in {name_of(layer)} (layer {layer.name!r}), which puts '
      'out probabilities; the loss takes logits, and applies softmax itself. '
      'Leave that activation out.'
    )


def _function(layer: tf.keras.layers.Layer) -> Any:
  if isinstance(layer, tf.keras.layers.Softmax):
    return tf.keras.activations.softmax
  return getattr(layer, 'activation', None)


def _relu_name(layer: tf.keras.layers.ReLU) -> str:
  options = layer.max_value, layer.negative_slope, layer.threshold
  if options == (None, 0.0, 0.0):
    return 'relu'
  if options == (6.0, 0.0, 0.0):
    return 'relu6'
  names = 'max_value', 'negative_slope', 'threshold'
  given = ', '.join(
    f'{n}={o:g}' for n, o in zip(names, options) if o is not None
  )
  return f'relu({given})'
