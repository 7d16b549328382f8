"""A convolution with its max pooling before its bias and activation.

A bias shifts all values of a window alike and an activation that never falls
keeps their order, so pooling first gives the same numbers and leaves a quarter
of the work to both and to their gradients.
"""

import functools
from typing import Optional

import tensorflow as tf

from flsec.models import pointwise_conv, pooled_patches

_MONOTONE = ('linear', 'relu', 'sigmoid', 'tanh', 'elu', 'selu', 'softplus')


class PooledConv2D(pointwise_conv.Conv2D):
  """A Conv2D that pools its products, then adds bias and activates.

  Where the trace of a call says so, and the layer is one that gains by it,
  convolution and pooling are products of matrices (`pooled_patches`). What it
  then has with the batch last goes to a next layer of this kind by way of the
  trace, past the images that other layers read.
  """

  trace = None

  def pool_first(self, pooling: tf.keras.layers.MaxPooling2D) -> 'PooledConv2D':
    """Takes over what the pooling layer behind it would do; returns itself."""
    self._pooling = {
      'ksize': pooling.pool_size,
      'strides': pooling.strides,
      'padding': pooling.padding.upper(),
    }
    return self

  def call(self, inputs: tf.Tensor) -> tf.Tensor:
    if self.trace and self.trace.by_patches and self._gains_by_patches(inputs):
      return self._call_by_patches(inputs)
    outputs = self.convolution_op(inputs, self.kernel)
    outputs = tf.nn.max_pool2d(outputs, **self._pooling)
    if self.use_bias:
      outputs = tf.nn.bias_add(outputs, self.bias)
    return self.activation(outputs)

  def call_unpooled(self, inputs: tf.Tensor) -> tf.Tensor:
    """Returns what the layer puts out where nothing is pooled."""
    outputs = self.convolution_op(
      tf.cast(inputs, self.compute_dtype), self.kernel
    )
    if self.use_bias:
      outputs = tf.nn.bias_add(outputs, self.bias)
    return self.activation(outputs)

  def _call_by_patches(self, images: tf.Tensor) -> tf.Tensor:
    rows = self.trace.batch_last.get(images.ref())
    geometry = _geometry(
      tuple(images.shape[1:]),
      self.kernel_size,
      is_padded=self.padding == 'same',
      channels_first=rows is not None,
    )
    if rows is None:
      rows = tf.transpose(tf.reshape(images, [-1, geometry.num_inputs]))
    convolve = pooled_patches.convolve_plainly
    if self.trace.is_differentiated:
      convolve = pooled_patches.convolve
    outputs = convolve(rows, self.kernel, geometry)
    if self.use_bias:
      outputs += self.bias[:, tf.newaxis]
    outputs = self.activation(outputs)  # [filters, P b]
    batch = tf.shape(images)[0]
    positions = geometry.height * geometry.width
    apart = tf.reshape(outputs, [self.filters, positions, batch])
    images = tf.reshape(
      tf.transpose(apart, [2, 1, 0]),
      [batch, geometry.height, geometry.width, self.filters],
    )
    self.trace.batch_last[images.ref()] = tf.reshape(
      outputs, [self.filters * positions, batch]
    )
    return images

  def _gains_by_patches(self, inputs: tf.Tensor) -> bool:
    """Tells whether patches can do what this layer does, and do it faster."""
    pooling = self._pooling
    halves = tuple(pooling['ksize']) == tuple(pooling['strides']) == (2, 2)
    return (
      halves
      and pooling['padding'] == 'VALID'
      and self.strides == self.dilation_rate == (1, 1)
      and self.compute_dtype == 'float32'
      # Measured (`python -m benchmarks.patches`): more channels keep the
      # convolution's kernels busy, smaller windows are too much to gather.
      and inputs.shape[-1] < 16
      and self.filters <= 16
      and min(self.kernel_size) >= 5
    )


_geometry = functools.lru_cache(maxsize=64)(pooled_patches.build_geometry)


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
