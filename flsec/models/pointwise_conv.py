"""Convolutions of one position with strides, kept from a faulty kernel.

Where such a layer reads few channels, oneDNN's kernel for the gradient of its
weights writes past its workspace: on CPUs with AVX2 for fewer than 8 channels,
with AVX-512 and several threads for fewer than 16. What comes is a wrong
gradient, or a process that ends (github.com/uxlfoundation/oneDNN/issues/6035;
TensorFlow 2.14 has that kernel). The layers here read every s-th position
first, which is all that a kernel of one position sees, and then convolve
without strides: the same sums by a sound kernel. From 16 channels on the fused
kernel is sound, and 2 to 4 times faster.
"""

import tensorflow as tf

_SOUND_CHANNELS = 16


class StridesFirst:
  """A mixin for Keras' convolutions of channels-last inputs."""

  def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Returns what the layer of Keras does, before bias and activation."""
    if not is_unsound(self, inputs.shape[-1]):
      return super().convolution_op(inputs, kernel)
    steps = [slice(None, None, stride) for stride in self.strides]
    return tf.nn.convolution(inputs[(slice(None), *steps)], kernel)


def is_unsound(layer: tf.keras.layers.Layer, channels: int) -> bool:
  """Tells whether oneDNN's gradient of a convolution's weights can be wrong."""
  return (
    layer.data_format == 'channels_last'
    and max(layer.kernel_size) == 1
    and max(layer.strides) > 1
    and channels < _SOUND_CHANNELS
  )


class Conv1D(StridesFirst, tf.keras.layers.Conv1D):
  """Keras' Conv1D, with `StridesFirst`."""


class Conv2D(StridesFirst, tf.keras.layers.Conv2D):
  """Keras' Conv2D, with `StridesFirst`."""
