"""Keras layers whose randomness and statistics come from outside.

Keras' own Dropout draws from a generator, and its BatchNormalization assigns
variables. These do neither, so that a model is a pure function: what they need
beside their weights, and what they leave, is in the `Trace` of one call.
"""

import dataclasses
from typing import Optional

import tensorflow as tf

from flsec.models import group_statistics


@dataclasses.dataclass
class Trace:
  """What the layers of a model share while it is called once.

  Attributes:
    seed: int32 [2] for dropout, or None.
    mask: float32 [b], 0 for examples that only pad the batch, or None.
    moved: layer name -> its moving statistics after the call, by attribute.
  """

  seed: Optional[tf.Tensor] = None
  mask: Optional[tf.Tensor] = None
  moved: dict[str, dict[str, tf.Tensor]] = dataclasses.field(
    default_factory=dict
  )


class Dropout(tf.keras.layers.Layer):
  """Dropout that draws from the stateless seed of the trace."""

  def __init__(self, rate: float, index: int, name: str):
    super().__init__(name=name)
    self.rate, self.index, self.trace = rate, index, None

  def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    if not training or not self.rate:
      return inputs
    if self.trace.seed is None:
      raise ValueError(
        f'Layer {self.name!r} drops units: training needs a seed, int32 [2].'
      )
    seed = self.trace.seed + tf.constant([0, self.index], tf.int32)
    return tf.nn.experimental.stateless_dropout(inputs, self.rate, seed)


class BatchNormalization(tf.keras.layers.BatchNormalization):
  """Batch normalisation that leaves its moving statistics in the trace.

  In training, units are normalised by the mean and variance of the real
  examples of the batch (padding does not count), and the statistics move to
  `momentum * old + (1 - momentum) * batch`; the variance is the unbiased one
  there, as in Keras' fused kernel and in PyTorch. Otherwise the moving
  statistics normalise; a negative variance, which an aggregated or a crafted
  update may leave, counts as 0.
  """

  trace: Optional[Trace] = None

  def build(self, input_shape: tf.TensorShape) -> None:
    super().build(input_shape)
    if list(self.axis) != [len(input_shape) - 1] or self.renorm:
      raise ValueError(
        f'Layer {self.name!r}: flsec runs batch normalisation over the last '
        f'axis and without renorm; got axis={list(self.axis)}, '
        f'renorm={self.renorm}.'
      )

  def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    mean = tf.stop_gradient(self.moving_mean)
    variance = tf.stop_gradient(self.moving_variance)
    if not training:
      variance = tf.nn.relu(variance)
      return tf.nn.batch_normalization(
        inputs, mean, variance, self.beta, self.gamma, self.epsilon
      )
    mask = self.trace.mask if self.trace else None
    if mask is None and inputs.shape.rank == 4:
      outputs, batch_mean, batch_variance = self._fused(inputs)
      count = tf.constant(1.0)
    else:
      outputs, batch_mean, batch_variance, count = self._masked(inputs, mask)
    if self.trace:
      # A batch of nothing but padding tells nothing.
      rate = (1.0 - self.momentum) * tf.cast(count > 0.0, tf.float32)
      self.trace.moved[self.name] = {
        'moving_mean': mean + rate * tf.stop_gradient(batch_mean - mean),
        'moving_variance': variance
        + rate * tf.stop_gradient(batch_variance - variance),
      }
    return outputs

  def _fused(self, inputs: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Returns (outputs, mean, unbiased variance)."""
    units = inputs.shape[-1:]
    return tf.compat.v1.nn.fused_batch_norm(
      inputs,
      tf.ones(units) if self.gamma is None else self.gamma,
      tf.zeros(units) if self.beta is None else self.beta,
      epsilon=self.epsilon,
      is_training=True,
    )

  def _masked(
    self, inputs: tf.Tensor, mask: Optional[tf.Tensor]
  ) -> tuple[tf.Tensor, ...]:
    """Returns (outputs, mean, unbiased variance, number of real positions)."""
    axes = list(range(inputs.shape.rank - 1))
    if mask is None:
      mask = tf.ones(tf.shape(inputs)[:1])
    weight = tf.reshape(mask, [-1] + [1] * len(axes))
    positions = tf.size(inputs[0, ..., 0], out_type=tf.int32)
    count = tf.reduce_sum(mask) * tf.cast(positions, tf.float32)
    some = tf.maximum(count, 1.0)
    mean = tf.reduce_sum(inputs * weight, axes) / some
    square = tf.math.squared_difference(inputs, mean)
    variance = tf.reduce_sum(square * weight, axes) / some
    outputs = tf.nn.batch_normalization(
      inputs, mean, variance, self.beta, self.gamma, self.epsilon
    )
    return outputs, mean, variance * some / tf.maximum(count - 1.0, 1.0), count


class GroupNormalization(tf.keras.layers.GroupNormalization):
  """Group normalisation with Keras' numbers in fewer passes over the data."""

  def call(self, inputs: tf.Tensor) -> tf.Tensor:
    if self.axis not in (-1, inputs.shape.rank - 1):
      return super().call(inputs)
    units = inputs.shape[-1:]
    return group_statistics.group_normalization(
      inputs,
      tf.ones(units) if self.gamma is None else tf.identity(self.gamma),
      tf.zeros(units) if self.beta is None else tf.identity(self.beta),
      groups=self.groups,
      epsilon=self.epsilon,
    )


class Cloner:
  """Clones layers, with the ones of this file in the place of Keras' own."""

  def __init__(self) -> None:
    self._num_dropouts = 0

  def __call__(self, layer: tf.keras.layers.Layer) -> tf.keras.layers.Layer:
    """Returns a layer without variables of its own yet.

    Raises:
      ValueError: a layer that draws random numbers in a way of its own.
    """
    kind = type(layer)
    if kind is tf.keras.layers.Dropout:
      self._num_dropouts += 1
      return Dropout(layer.rate, self._num_dropouts, layer.name)
    if isinstance(layer, tf.keras.layers.Dropout):
      raise ValueError(
        f'Layer {layer.name!r} is a {kind.__name__}; flsec draws the units of '
        'Dropout only, so that a run can be repeated. Use Dropout.'
      )
    if isinstance(layer, tf.keras.layers.BatchNormalization):
      kind = BatchNormalization
    elif isinstance(layer, tf.keras.layers.GroupNormalization):
      kind = GroupNormalization
    return kind.from_config(layer.get_config())
