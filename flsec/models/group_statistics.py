"""Group normalisation as one function with a gradient of its own.

Keras' layer multiplies by a mask of ones and lets autodiff keep every
intermediate; this one keeps the centred input and computes the closed form.
"""

import tensorflow as tf


def group_normalization(
  inputs: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  *,
  groups: int,
  epsilon: float,
) -> tf.Tensor:
  """Normalises each example within groups of neighbouring channels.

  `y = gamma * (x - mean) / sqrt(variance + epsilon) + beta`, mean and variance
  over all positions and the channels of one group of one example.

  Args:
    inputs: float32 [b, ..., c].
    gamma: float32 [c].
    beta: float32 [c].
    groups: number of groups; divides c.
    epsilon: added to the variance.

  Returns:
    float32 [b, ..., c].

  References:
    Wu & He, ECCV 2018, equations 1, 2, 6 and 7.
  """
  shape = tf.shape(inputs)
  channels = inputs.shape[-1]
  flat = tf.reshape(inputs, [shape[0], -1, channels])  # [b, positions, c]

  @tf.custom_gradient
  def normalize(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor):
    mean = _group_mean(tf.reduce_mean(x, 1, keepdims=True), groups)
    centred = x - mean
    squares = tf.reduce_mean(tf.square(centred), 1, keepdims=True)
    rate = tf.math.rsqrt(_group_mean(squares, groups) + epsilon)  # [b, 1, c]

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, ...]:
      total = tf.reduce_sum(upstream, 1, keepdims=True)
      along = tf.reduce_sum(upstream * centred, 1, keepdims=True) * rate
      count = tf.cast(tf.shape(x)[1], tf.float32)
      # dx = rate (gamma dy - mean(gamma dy) - xhat mean(gamma dy xhat)).
      shift = rate * _group_mean(gamma * total, groups) / count
      slope = tf.square(rate) * _group_mean(gamma * along, groups) / count
      into = upstream * (rate * gamma) - (centred * slope + shift)
      return into, tf.reduce_sum(along, [0, 1]), tf.reduce_sum(total, [0, 1])

    return centred * (rate * gamma) + beta, gradient

  outputs = tf.reshape(normalize(flat, gamma, beta), shape)
  return tf.ensure_shape(outputs, inputs.shape)


def _group_mean(values: tf.Tensor, groups: int) -> tf.Tensor:
  """Replaces each channel's value, [b, 1, c], by the mean of its group."""
  channels = values.shape[-1]
  grouped = tf.reshape(values, [-1, groups, channels // groups])
  mean = tf.reduce_mean(grouped, 2, keepdims=True)
  return tf.reshape(tf.broadcast_to(mean, tf.shape(grouped)), [-1, 1, channels])
