"""Batch and group normalisation with gradients in closed form.

Keras' group normalisation multiplies by a mask of ones and lets autodiff keep
every intermediate; these keep the centred input alone. TensorFlow's fused batch
normalisation is no choice: on the CPU (2.14, oneDNN) it gave wrong gradients,
now and then, to threads that ran it at the same time.
"""

from typing import Optional

import tensorflow as tf


def batch_normalization(
  inputs: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  *,
  mask: Optional[tf.Tensor],
  epsilon: float,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
  """Normalises each channel over the real examples of a batch.

  `y = gamma * (x - mean) / sqrt(variance + epsilon) + beta`.

  Args:
    inputs: float32 [b, ..., c].
    gamma: float32 [c].
    beta: float32 [c].
    mask: float32 [b], 0 for examples that do not count; None: all count.
    epsilon: added to the variance.

  Returns:
    y [b, ..., c]; mean and variance (biased) [c], without gradient; and n, how
    many positions they are over, float32.

  References:
    Ioffe & Szegedy, ICML 2015, Algorithm 1.
  """
  channels, positions = inputs.shape[-1], inputs.shape[1:-1].num_elements()
  rows = tf.reshape(inputs, [-1, channels])
  share = None
  if mask is None:
    count = tf.cast(tf.shape(rows)[0], tf.float32)
  else:
    count = tf.reduce_sum(mask) * positions
    share = tf.repeat(mask, positions)[:, tf.newaxis]

  def total(values: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(values if share is None else values * share, 0)

  some = tf.maximum(count, 1.0)

  @tf.custom_gradient
  def normalize(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor):
    mean = total(x) / some
    centred = x - mean
    variance = total(tf.square(centred)) / some
    rate = tf.math.rsqrt(variance + epsilon)

    def gradient(upstream: tf.Tensor, *of_statistics: tf.Tensor):
      del of_statistics
      plain = tf.reduce_sum(upstream, 0)
      along = tf.reduce_sum(upstream * centred, 0) * rate
      # dx = gamma rate (dy - mean(dy) - xhat mean(dy xhat)).
      factor = gamma * rate
      pull = centred * (factor * rate * along / some) + factor * plain / some
      into = upstream * factor - (pull if share is None else pull * share)
      return into, along, plain

    return (centred * (rate * gamma) + beta, mean, variance), gradient

  outputs, mean, variance = normalize(rows, gamma, beta)
  outputs = tf.ensure_shape(tf.reshape(outputs, tf.shape(inputs)), inputs.shape)
  return outputs, tf.stop_gradient(mean), tf.stop_gradient(variance), count


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
