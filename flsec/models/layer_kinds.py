"""Which kind of layer a Keras layer is, for those who follow its units."""

import tensorflow as tf

from flsec.models.layer_weights import is_trained

_KINDS = (
  ('dense', tf.keras.layers.Dense),
  ('conv', (tf.keras.layers.Conv1D, tf.keras.layers.Conv2D)),
  (
    'norm',
    (
      tf.keras.layers.BatchNormalization,
      tf.keras.layers.GroupNormalization,
      tf.keras.layers.LayerNormalization,
    ),
  ),
)
# They are convolutions to Keras, but their kernels are laid out otherwise.
_TRANSPOSED = (
  tf.keras.layers.Conv1DTranspose,
  tf.keras.layers.Conv2DTranspose,
)


def kind_of(layer: tf.keras.layers.Layer) -> str:
  """Returns 'dense', 'conv' or 'norm'.

  Raises:
    ValueError: any other layer with weights.
  """
  for kind, types in _KINDS:
    if isinstance(layer, types) and _has_plain_kernel(layer):
      return kind
  raise ValueError(
    f'Layer {layer.name!r} has weights but is a {type(layer).__name__}; flsec '
    'follows Dense, Conv1D, Conv2D (without groups) and normalisation layers.'
  )


def _has_plain_kernel(layer: tf.keras.layers.Layer) -> bool:
  """Tells whether every unit reads every channel, in Keras' usual layout."""
  is_grouped = layer.get_config().get('groups', 1) != 1
  is_norm = isinstance(layer, tf.keras.layers.GroupNormalization)
  return not isinstance(layer, _TRANSPOSED) and (is_norm or not is_grouped)


def is_norm(layer: tf.keras.layers.Layer) -> bool:
  """Tells whether a layer normalises."""
  return isinstance(layer, dict(_KINDS)['norm'])


def hidden_layers(model: tf.keras.Model) -> tuple[str, ...]:
  """Returns the names of the dense and conv layers before the output layer."""
  return tuple(
    layer.name
    for layer in model.layers
    if is_trained(layer)
    and not is_norm(layer)
    and layer.name not in model.output_names
  )
