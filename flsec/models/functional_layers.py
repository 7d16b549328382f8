"""Keras layers whose randomness and statistics come from outside.

Keras' own Dropout draws from a generator, and its BatchNormalization assigns
variables. These do neither, so that a model is a pure function: what they need
beside their weights, and what they leave, is in the `Trace` of one call.
"""

import dataclasses
import warnings
from collections.abc import Sequence
from typing import Any, Optional

import tensorflow as tf

from flsec.models import (
  acceptance,
  closed_form_norms,
  pointwise_conv,
  pooled_conv,
  random_layers,
)


@dataclasses.dataclass
class Trace:
  """What the layers of a model share while it is called once.

  Attributes:
    seed: int32 or int64 [2] for random layers, or None.
    mask: float32 [b], 0 for examples that only pad the batch, or None.
    moved: layer name -> its moving statistics after the call, by attribute.
    by_patches: whether convolutions that gain by it are matrix products.
    reads_batch: whether batch normalisation takes the batch's own statistics,
      training or not.
    is_differentiated: whether a tape is open, so that these give gradients of
      their own.
    batch_last: an image tensor's `ref()` -> the same numbers, float32
      [channels * positions, b], for a layer that computes with those.
  """

  seed: Optional[tf.Tensor] = None
  mask: Optional[tf.Tensor] = None
  moved: dict[str, dict[str, tf.Tensor]] = dataclasses.field(
    default_factory=dict
  )
  by_patches: bool = False
  reads_batch: bool = False
  is_differentiated: bool = False
  batch_last: dict[Any, tf.Tensor] = dataclasses.field(default_factory=dict)


class BatchNormalization(tf.keras.layers.BatchNormalization):
  """Batch normalisation that leaves its moving statistics in the trace.

  In training, units are normalised by the mean and variance of the real
  examples of the batch (padding does not count), and the statistics move to
  `momentum * old + (1 - momentum) * batch`; the variance is the unbiased one
  there, as in Keras' fused kernel and in PyTorch. Otherwise, and always where
  the layer is frozen, the moving statistics normalise; a negative variance,
  which an aggregated or a crafted update may leave, counts as 0.
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
    reads_batch = training or (self.trace and self.trace.reads_batch)
    if not reads_batch or not self.trainable:
      variance = tf.nn.relu(variance)
      return tf.nn.batch_normalization(
        inputs, mean, variance, self.beta, self.gamma, self.epsilon
      )
    outputs, batch_mean, batch_variance, count = (
      closed_form_norms.batch_normalization(
        inputs,
        *_scale_and_offset(self, inputs),
        mask=self.trace.mask if self.trace else None,
        epsilon=self.epsilon,
      )
    )
    if self.trace:
      batch_variance *= count / tf.maximum(count - 1.0, 1.0)
      # A batch of nothing but padding tells nothing.
      rate = (1.0 - self.momentum) * tf.cast(count > 0.0, tf.float32)
      self.trace.moved[self.name] = {
        'moving_mean': mean + rate * (batch_mean - mean),
        'moving_variance': variance + rate * (batch_variance - variance),
      }
    return outputs


class GroupNormalization(tf.keras.layers.GroupNormalization):
  """Group normalisation with Keras' numbers in fewer passes over the data."""

  def call(self, inputs: tf.Tensor) -> tf.Tensor:
    if self.axis not in (-1, inputs.shape.rank - 1):
      return super().call(inputs)
    return closed_form_norms.group_normalization(
      inputs,
      *_scale_and_offset(self, inputs),
      groups=self.groups,
      epsilon=self.epsilon,
    )


class LayerNormalization(tf.keras.layers.LayerNormalization):
  """Layer normalisation without the fused kernel that Keras builds on.

  See `closed_form_norms`; each position is an example of one group.
  """

  def call(self, inputs: tf.Tensor) -> tf.Tensor:
    if list(self.axis) != [inputs.shape.rank - 1]:
      raise ValueError(
        f'Layer {self.name!r}: flsec runs layer normalisation over the last '
        f'axis; got axis={list(self.axis)}.'
      )
    rows = tf.reshape(inputs, [-1, inputs.shape[-1]])
    outputs = closed_form_norms.group_normalization(
      rows,
      *_scale_and_offset(self, inputs),
      groups=1,
      epsilon=self.epsilon,
    )
    return tf.ensure_shape(tf.reshape(outputs, tf.shape(inputs)), inputs.shape)


def _scale_and_offset(
  layer: tf.keras.layers.Layer, inputs: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
  units = inputs.shape[-1:]
  return (
    tf.ones(units) if layer.gamma is None else tf.identity(layer.gamma),
    tf.zeros(units) if layer.beta is None else tf.identity(layer.beta),
  )


_REPLACED = (
  (tf.keras.layers.BatchNormalization, BatchNormalization),
  (tf.keras.layers.GroupNormalization, GroupNormalization),
  (tf.keras.layers.LayerNormalization, LayerNormalization),
)
# By exact type: transposed and depthwise convolutions inherit from these.
_CONVOLUTIONS = {
  tf.keras.layers.Conv1D: pointwise_conv.Conv1D,
  tf.keras.layers.Conv2D: pointwise_conv.Conv2D,
}
# None of these plays a part in a clone: its weights come from outside, and what
# regularises them is read off the original. They may be any functions.
_LEFT_OUT = {
  '_initializer': 'zeros',
  '_regularizer': None,
  '_constraint': None,
}


class Cloner:
  """Clones layers, with the ones of this file in the place of Keras' own."""

  def __init__(self, *, low_precision: Sequence[str] = ()) -> None:
    """Prepares for the layers of one model.

    Args:
      low_precision: names of the layers whose products are bfloat16.
    """
    self._num_random = 0
    self._pooled: set[str] = set()
    self._low_precision = low_precision

  def __call__(self, layer: tf.keras.layers.Layer) -> tf.keras.layers.Layer:
    """Returns a layer without variables of its own yet.

    Raises:
      ValueError: a layer that cannot be cloned.
    """
    if layer.name in self._pooled:
      return tf.keras.layers.Activation('linear', name=layer.name)
    seeded = random_layers.seeded(layer, self._num_random + 1)
    if seeded is not None:
      self._num_random += 1
      return seeded
    if type(layer) is tf.keras.layers.Lambda:
      return _clone_of_lambda(layer)
    try:
      return self._clone(layer)
    except Exception as error:
      first = (str(error).splitlines() or [''])[0]
      raise ValueError(
        f'Layer {layer.name!r} ({type(layer).__name__}) cannot be cloned '
        f'({type(error).__name__}: {first[:200]}). Give the layer a get_config '
        'that returns the arguments of its __init__.'
      ) from error

  def _clone(self, layer: tf.keras.layers.Layer) -> tf.keras.layers.Layer:
    kind = type(layer)
    for replaced, ours in _REPLACED:
      if kind is replaced:
        kind = ours
    with warnings.catch_warnings():
      # Keras has something to say of functions in a configuration.
      warnings.simplefilter('ignore')
      config = layer.get_config()
    is_known = acceptance.is_known(layer)
    if is_known:
      config.update(_left_out(config))
    has_activation = is_known and 'activation' in config
    if has_activation:
      config['activation'] = 'linear'
    if layer.name in self._low_precision:
      config['dtype'] = 'mixed_bfloat16'
    pooling = pooled_conv.pooling_of(layer)
    if pooling is not None:
      kind = pooled_conv.PooledConv2D
      self._pooled.add(pooling.name)
    clone = _CONVOLUTIONS.get(kind, kind).from_config(config)
    # A get_config of the user's own may tell neither.
    clone._name = layer.name
    if clone.trainable != layer.trainable:
      clone.trainable = layer.trainable
    if has_activation:  # Itself: its name may be nobody's but the user's.
      clone.activation = layer.activation
    return clone.pool_first(pooling) if pooling is not None else clone


def _left_out(config: dict[str, Any]) -> dict[str, Any]:
  return {
    key: value
    for key, found in config.items()
    for ending, value in _LEFT_OUT.items()
    if key.endswith(ending) and not _is_constant(found)
  }


def _is_constant(initializer: Any) -> bool:
  name = initializer.get('class_name') if isinstance(initializer, dict) else ''
  return name in ('Ones', 'Zeros')


def _clone_of_lambda(
  layer: tf.keras.layers.Lambda,
) -> tf.keras.layers.Lambda:
  # Not by its configuration, which holds byte code without its globals.
  return tf.keras.layers.Lambda(
    layer.function,
    output_shape=layer._output_shape,
    mask=layer.mask,
    arguments=layer.arguments,
    name=layer.name,
  )
