"""A convolution with its max pooling before its bias and activation.

A bias shifts all values of a window alike and an activation that never falls
keeps their order, so pooling first gives the same numbers and leaves a quarter
of the work to both and to their gradients.
"""

from typing import Optional

import tensorflow as tf

_MONOTONE = ('linear', 'relu', 'sigmoid', 'tanh', 'elu', 'selu', 'softplus')


class PooledConv2D(tf.keras.layers.Conv2D):
  """A Conv2D that pools its products, then adds bias and activates."""

  def pool_first(self, pooling: tf.keras.layers.MaxPooling2D) -> 'PooledConv2D':
    """Takes over what the pooling layer behind it would do; returns itself."""
    self._pooling = {
      'ksize': pooling.pool_size,
      'strides': pooling.strides,
      'padding': pooling.padding.upper(),
    }
    return self

  def call(self, inputs: tf.Tensor) -> tf.Tensor:
    outputs = self.convolution_op(inputs, self.kernel)
    outputs = tf.nn.max_pool2d(outputs, **self._pooling)
    if self.use_bias:
      outputs = tf.nn.bias_add(outputs, self.bias)
    return self.activation(outputs)


def pooling_of(
  layer: tf.keras.layers.Layer,
) -> Optional[tf.keras.layers.MaxPooling2D]:
  """Returns the max pooling that may go before a layer's bias, or None.

  Args:
    layer: of a built functional model.

  Returns:
    The pooling layer, where it is all that reads a Conv2D in `channels_last`
    with an activation that never falls; else None.
  """
  if type(layer) is not tf.keras.layers.Conv2D:
    return None
  nodes = layer.outbound_nodes
  reader = nodes[0].outbound_layer if len(nodes) == 1 else None
  is_fit = (
    type(reader) is tf.keras.layers.MaxPooling2D
    and len(reader.inbound_nodes) == 1
    and len(layer.inbound_nodes) == 1
    and layer.data_format == reader.data_format == 'channels_last'
    and layer.groups == 1
    and tf.keras.activations.serialize(layer.activation) in _MONOTONE
  )
  return reader if is_fit else None
