"""2x2 max pooling with a gradient several times faster than TensorFlow's.

TensorFlow's MaxPoolGrad searches each window again, element by element; on a
CPU it takes a third of a LeNet-5 training step. Here the gradient goes back in
two stages, columns then rows, over long contiguous slices.
"""

import tensorflow as tf

_WINDOW = 2


class MaxPooling2x2(tf.keras.layers.MaxPooling2D):
  """Max pooling over disjoint 2x2 windows of [b, h, w, c], h and w even.

  The same numbers as `tf.keras.layers.MaxPooling2D()`. Of equal values one
  gets the gradient: of a window's rows the upper, then of its columns the left.
  """

  def call(self, inputs: tf.Tensor) -> tf.Tensor:
    return _max_pool(inputs)


def replaces(layer: tf.keras.layers.Layer) -> bool:
  """Tells whether `MaxPooling2x2` computes what a built Keras layer does."""
  if type(layer) is not tf.keras.layers.MaxPooling2D:
    return False
  height, width = layer.input_shape[1:3]
  window = (_WINDOW, _WINDOW)
  return (
    tuple(layer.pool_size) == window
    and tuple(layer.strides) == window
    and layer.data_format == 'channels_last'
    and all(size is not None and size % 2 == 0 for size in (height, width))
  )


@tf.custom_gradient
def _max_pool(x: tf.Tensor):
  pooled = tf.nn.max_pool2d(x, _WINDOW, _WINDOW, 'VALID')
  return pooled, lambda gradient: _gradient(x, gradient)


def _gradient(x: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
  """Sends each window's gradient, [b, h/2, w/2, c], to where its maximum is."""
  _, height, width, channels = x.shape
  upper, lower = tf.unstack(
    tf.reshape(x, [-1, _WINDOW, width * channels]), axis=1
  )
  columns = tf.maximum(upper, lower)
  left, right = tf.unstack(tf.reshape(columns, [-1, _WINDOW, channels]), axis=1)
  to_column = _share(left, right, tf.reshape(gradient, [-1, channels]))
  to_row = _share(upper, lower, tf.reshape(to_column, [-1, width * channels]))
  return tf.reshape(to_row, [-1, height, width, channels])


def _share(first: tf.Tensor, second: tf.Tensor, gradient: tf.Tensor):
  """Gives the gradient to the larger of two; stacks both shares on axis 1."""
  to_first = tf.where(first >= second, gradient, 0.0)
  return tf.stack([to_first, gradient - to_first], axis=1)
