"""The weights of a Keras layer by attribute, and which of them are trained."""

import tensorflow as tf

from flsec.models.layout import STATISTICS


def weight_attributes(layer: tf.keras.layers.Layer) -> list[str]:
  """Returns the attribute that holds each of `layer.weights`, in that order.

  Raises:
    ValueError: a weight that no attribute of the layer holds.
  """
  attributes = []
  for weight in layer.weights:
    held = [name for name, value in vars(layer).items() if value is weight]
    if not held:
      raise ValueError(
        f'Layer {layer.name!r} ({type(layer).__name__}) keeps the weight '
        f'{weight.name!r} in no attribute of its own; write the layer so that '
        'each weight is an attribute (self.kernel = self.add_weight(...)).'
      )
    attributes.append(held[0])
  return attributes


def trained_attributes(layer: tf.keras.layers.Layer) -> list[str]:
  """Returns the attributes that training moves, in the order of the weights.

  Those are the trainable ones; and of batch normalisation that is not frozen
  its moving statistics, which follow the batches.
  """
  trainable = {id(weight) for weight in layer.trainable_weights}
  tracks = layer.trainable and isinstance(
    layer, tf.keras.layers.BatchNormalization
  )
  return [
    attribute
    for attribute, weight in zip(weight_attributes(layer), layer.weights)
    if id(weight) in trainable or (tracks and attribute in STATISTICS)
  ]


def is_trained(layer: tf.keras.layers.Layer) -> bool:
  """Tells whether training moves anything of a layer."""
  return bool(trained_attributes(layer))


def is_frozen(layer: tf.keras.layers.Layer) -> bool:
  """Tells whether a layer has weights, none of which training moves."""
  return bool(layer.weights) and not is_trained(layer)
