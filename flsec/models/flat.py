"""A Keras model seen as a function of one weight vector."""

import contextlib
import hashlib
import threading
from collections.abc import Iterator
from typing import Optional

import numpy as np
import tensorflow as tf

from flsec.models import layout_builder
from flsec.models.layout import Layout

# Keras reads a layer's weights from its attributes: only one trace at a time
# may put tensors there.
_TRACE = threading.RLock()


class _Dropout(tf.keras.layers.Layer):
  """Dropout that draws from a stateless seed set for one trace."""

  def __init__(self, rate: float, index: int, name: str):
    super().__init__(name=name)
    self.rate, self.index, self.seed = rate, index, None

  def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    if not training or not self.rate:
      return inputs
    seed = self.seed + tf.constant([0, self.index], tf.int32)
    return tf.nn.experimental.stateless_dropout(inputs, self.rate, seed)


class FlatModel:
  """A Keras classifier whose weights are one float32 vector [d].

  The vector holds the layers' weights in Keras order, each flattened
  row-major. Everything here is a pure function of that vector: no variable is
  read or written, and dropout draws from the seed it is given.

  Attributes:
    layout: which slice of the vector is which Keras layer.
    num_weights: d.
    input_shape: of one stored example.
    num_classes: length of the logits.
    scale, shift: stored examples enter the model as `x * scale + shift`.
  """

  def __init__(
    self,
    model: tf.keras.Model,
    *,
    scale: float = 1.0 / 255.0,
    shift: float = 0.0,
  ):
    """Takes over a functional Keras model that ends in logits.

    Args:
      model: a functional or sequential model, without nested models.
      scale: factor from stored examples to model inputs.
      shift: added after scaling.
    """
    self._model = tf.keras.models.clone_model(
      model, clone_function=_DropoutCloner()
    )
    self.layout: Layout = layout_builder.build_layout(self._model)
    self.num_weights = self.layout.size
    self.input_shape = tuple(model.input_shape[1:])
    self.num_classes = int(model.output_shape[-1])
    self.scale, self.shift = scale, shift
    self._weighted = [layer for layer in self._model.layers if layer.weights]

  def initial_weights(self, seed: int) -> np.ndarray:
    """Draws float32 [d] from the layers' own initialisers, from `seed` only."""
    values = []
    for layer in self._weighted:
      for attribute in layout_builder.weight_attributes(layer):
        initializer = getattr(layer, f'{attribute}_initializer')
        config = initializer.get_config()
        if 'seed' in config:
          config['seed'] = _stream_seed(seed, f'{layer.name}/{attribute}')
        value = type(initializer).from_config(config)(
          getattr(layer, attribute).shape, dtype=tf.float32
        )
        values.append(np.ravel(value.numpy()))
    return np.concatenate(values).astype(np.float32)

  def inputs(self, x: tf.Tensor) -> tf.Tensor:
    """Turns stored examples (uint8 or float32) into model inputs."""
    return tf.cast(x, tf.float32) * self.scale + self.shift

  def logits(
    self,
    weights: tf.Tensor,
    x: tf.Tensor,
    *,
    training: bool = False,
    seed: Optional[tf.Tensor] = None,
  ) -> tf.Tensor:
    """Runs the model.

    Args:
      weights: float32 [d].
      x: [b, ...] float32 model inputs, as `inputs` makes them.
      training: whether dropout drops.
      seed: int32 [2] for dropout; needed where `training` and a model drops.

    Returns:
      float32 [b, num_classes].
    """
    with self._weights_from(weights, seed):
      return tf.cast(self._model(x, training=training), tf.float32)

  def loss(
    self,
    weights: tf.Tensor,
    x: tf.Tensor,
    y: tf.Tensor,
    *,
    mask: Optional[tf.Tensor] = None,
    training: bool = False,
    seed: Optional[tf.Tensor] = None,
  ) -> tf.Tensor:
    """Returns the mean cross-entropy (nats) over the examples.

    Args:
      weights: float32 [d].
      x: [b, ...] float32 model inputs.
      y: int32 [b].
      mask: float32 [b], 0 for examples that only pad the batch.
      training, seed: as in `logits`.
    """
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
      labels=y, logits=self.logits(weights, x, training=training, seed=seed)
    )
    if mask is None:
      return tf.reduce_mean(losses)
    return tf.math.divide_no_nan(
      tf.reduce_sum(losses * mask), tf.reduce_sum(mask)
    )

  def loss_and_gradient(
    self,
    weights: tf.Tensor,
    x: tf.Tensor,
    y: tf.Tensor,
    *,
    mask: Optional[tf.Tensor] = None,
    training: bool = True,
    seed: Optional[tf.Tensor] = None,
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the mean loss (see `loss`) and its gradient, float32 [d]."""
    with tf.GradientTape() as tape:
      tape.watch(weights)
      loss = self.loss(weights, x, y, mask=mask, training=training, seed=seed)
    return loss, tape.gradient(loss, weights)

  def tensors(self, weights: tf.Tensor) -> list[tf.Tensor]:
    """Splits the vector into the layers' weights, in Keras order."""
    spans = [s for layer in self.layout.layers for s in layer.spans.values()]
    # The gradient of a split is one concatenation.
    parts = tf.split(weights, [span.size for span in spans])
    return [tf.reshape(p, span.shape) for p, span in zip(parts, spans)]

  @contextlib.contextmanager
  def _weights_from(
    self, weights: tf.Tensor, seed: Optional[tf.Tensor]
  ) -> Iterator[None]:
    """Puts slices of the vector in the place of the layers' variables."""
    with _TRACE, contextlib.ExitStack() as stack:
      tensors = iter(self.tensors(weights))
      for layer in self._weighted:
        for attribute in layout_builder.weight_attributes(layer):
          variable = vars(layer)[attribute]
          vars(layer)[attribute] = next(tensors)
          stack.callback(vars(layer).__setitem__, attribute, variable)
      for layer in self._model.layers:
        if isinstance(layer, _Dropout):
          layer.seed = seed
          stack.callback(setattr, layer, 'seed', None)
      yield


class _DropoutCloner:
  """Clones layers, with stateless dropout in the place of Keras' own."""

  def __init__(self) -> None:
    self._count = 0

  def __call__(self, layer: tf.keras.layers.Layer) -> tf.keras.layers.Layer:
    if type(layer) is tf.keras.layers.Dropout:
      self._count += 1
      return _Dropout(layer.rate, self._count, layer.name)
    return type(layer).from_config(layer.get_config())


def _stream_seed(seed: int, stream: str) -> int:
  """Returns a 31-bit seed of a named stream, by hashing."""
  digest = hashlib.sha256(f'{seed}/{stream}'.encode()).digest()
  return int.from_bytes(digest[:4], 'little') & 0x7FFFFFFF
