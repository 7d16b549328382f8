"""A Keras model seen as a function of one weight vector."""

import contextlib
import math
from collections.abc import Iterator
from typing import Optional

import numpy as np
import tensorflow as tf

from flsec.models import (
  acceptance,
  channel_cut,
  custom_gradients,
  functional_layers,
  layer_kinds,
  layout_builder,
  placement,
  purity,
)
from flsec.models.layout import Layout


class FlatModel:
  """A Keras classifier whose weights are one float32 vector [d].

  The vector holds the weights that are trained, in Keras order, each flattened
  row-major; frozen ones (`trainable=False`) are constants. Everything here is a
  pure function of that vector: no variable is read or written, and random
  layers draw from the seed they are given.

  Batch normalisation: the moving statistics are entries of the vector, too
  (`layout.statistics`). In training, batches are normalised by their own
  statistics, and the loss has gradient 0 at the moving ones, which no optimiser
  step moves therefore; `differentiate` returns where they move instead, and
  `with_statistics` puts them into the vector. A client's update then holds how
  far they moved, and is attacked, aggregated and pruned like any other. Robust
  rules see them: their scale is that of activations, not of gradients, so that
  they may outweigh the weights in a distance. `mean_statistics` keeps them from
  a rule; group normalisation has none.

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
    mixed_precision: bool = False,
    by_patches: bool = True,
  ):
    """Takes over a functional Keras model that ends in logits.

    Args:
      model: a functional or sequential model, without nested models. What it
        asks for and would not get is refused: see `acceptance`.
      scale: factor from stored examples to model inputs.
      shift: added after scaling.
      mixed_precision: dense and conv layers, the output layer excepted, compute
        in bfloat16; weights, normalisation, logits and gradients stay float32.
      by_patches: `differentiate` and `logits` compute convolutions with few
        channels as products of matrices, which CPUs do faster.
    """
    acceptance.check(model)
    low = layer_kinds.hidden_layers(model) if mixed_precision else ()
    self._model = tf.keras.models.clone_model(
      model, clone_function=functional_layers.Cloner(low_precision=low)
    )
    self._placement = placement.Placement(model, self._model)
    self.layout: Layout = layout_builder.build_layout(model)
    self.num_weights = self.layout.size
    self.input_shape = tuple(model.input_shape[1:])
    self.num_classes = int(model.output_shape[-1])
    self.scale, self.shift = scale, shift
    self._by_patches = by_patches
    if not purity.is_known(model):
      purity.check(self, model)

  @property
  def keras_model(self) -> tf.keras.Model:
    """The model that is run; a run's weights are no variables of it."""
    return self._model

  @property
  def num_activations(self) -> int:
    """How many numbers all layers put out for one example."""
    outputs = [layer.output for layer in self._model.layers]
    return sum(math.prod(x.shape[1:]) for x in tf.nest.flatten(outputs))

  def initial_weights(self, seed: int) -> np.ndarray:
    """Returns where training starts, float32 [d].

    Weights that were set or loaded start where they are. Those that are as
    their initialiser drew them are drawn again, from `seed` only.
    """
    return self._placement.initial(seed)

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
      training: whether random layers draw and norms read the batch.
      seed: int32 [2]; needed where `training` and a layer draws.

    Returns:
      float32 [b, num_classes].
    """
    patches = self._by_patches and not training
    trace = functional_layers.Trace(seed, by_patches=patches)
    return self._run(weights, x, training, trace)

  def activations(
    self, weights: tf.Tensor, x: tf.Tensor, layer: str
  ) -> tf.Tensor:
    """Returns what a layer's channels put out: `channel_cut.activations`."""
    return channel_cut.activations(self, weights, x, layer)

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
    """Returns the mean cross-entropy (nats), and what regularisers add to it.

    Args:
      weights: float32 [d].
      x: [b, ...] float32 model inputs.
      y: int32 [b].
      mask: float32 [b], 0 for examples that only pad the batch.
      training, seed: as in `logits`.
    """
    return self._loss(
      weights, x, y, training, functional_layers.Trace(seed, mask)
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
    return self.differentiate(
      weights, x, y, mask=mask, training=training, seed=seed
    )[:2]

  def differentiate(
    self,
    weights: tf.Tensor,
    x: tf.Tensor,
    y: tf.Tensor,
    *,
    mask: Optional[tf.Tensor] = None,
    training: bool = True,
    seed: Optional[tf.Tensor] = None,
  ) -> tuple[tf.Tensor, tf.Tensor, Optional[tf.Tensor]]:
    """Returns what one step needs, see `loss`; weights may be a tuple of parts.

    Returns:
      The mean loss; its gradient, like the weights, 0 at `layout.statistics`;
      the moving statistics after this batch, for `with_statistics`, None where
      the model has none or is not training.
    """
    trace = functional_layers.Trace(
      seed, mask, by_patches=self._by_patches, is_differentiated=True
    )
    with custom_gradients.forgotten():
      with tf.GradientTape() as tape:
        tape.watch(weights)
        loss = self._loss(weights, x, y, training, trace)
      gradient = tape.gradient(loss, weights)
    moved = [
      trace.moved[layer.name][attribute]
      for layer in self.layout.layers
      for attribute in layer.spans
      if attribute in trace.moved.get(layer.name, ())
    ]
    statistics = tf.concat(moved, axis=0) if moved else None
    return loss, gradient, statistics

  def with_statistics(
    self, weights: tf.Tensor, statistics: Optional[tf.Tensor]
  ) -> tf.Tensor:
    """Returns the weights [d] with the moving statistics replaced, if any."""
    if statistics is None:
      return weights
    parts, end = [], 0
    for span in self.layout.statistics:
      parts += [weights[end : span.start], statistics[: span.size]]
      statistics, end = statistics[span.size :], span.stop
    return tf.concat([*parts, weights[end:]], axis=0)

  def tensors(self, weights: tf.Tensor) -> list[tf.Tensor]:
    """Splits the vector into the layers' weights, as `Model.set_weights` takes.

    Frozen ones, which are no part of the vector, are among them.
    """
    return self._placement.tensors(weights)

  def whole(self, weights: tf.Tensor) -> np.ndarray:
    """Returns all weights in Keras order, frozen ones included: float32 [D]."""
    return self._placement.whole(weights)

  def weight_names(self) -> list[tuple[str, str, tuple[int, ...]]]:
    """Returns layer, attribute and shape of each part of `whole`."""
    return self._placement.names()

  def trained(self, whole: np.ndarray) -> np.ndarray:
    """Returns the vector [d] within all weights [D]: undoes `whole`.

    Raises:
      ValueError: the frozen ones are not this model's.
    """
    return self._placement.trained(whole)

  def _loss(
    self,
    weights: tf.Tensor,
    x: tf.Tensor,
    y: tf.Tensor,
    training: bool,
    trace: functional_layers.Trace,
  ) -> tf.Tensor:
    loss = _mean_loss(self._run(weights, x, training, trace), y, trace.mask)
    if not self._placement.is_regularized:
      return loss
    penalty = self._placement.penalty(weights)
    if trace.mask is not None:  # Of a batch that is nothing but padding: 0.
      penalty *= tf.cast(tf.reduce_any(trace.mask > 0.0), tf.float32)
    return loss + penalty

  def _run(
    self,
    weights: tf.Tensor,
    x: tf.Tensor,
    training: bool,
    trace: functional_layers.Trace,
  ) -> tf.Tensor:
    with self.placed(weights, trace) as keras_model:
      return tf.cast(keras_model(x, training=training), tf.float32)

  def _restore_classes(self) -> None:
    """Makes Keras' classes again what they were when the model was built.

    A layer that is made in a bare graph, as TFF makes them, turns its class
    into that of TensorFlow 1 for the whole process; one made here, back.
    """
    with tf.init_scope():
      for kind in {type(one) for one in (self._model, *self._model.layers)}:
        kind.__new__(kind)

  @contextlib.contextmanager
  def placed(
    self, weights: tf.Tensor, trace: Optional[functional_layers.Trace] = None
  ) -> Iterator[tf.keras.Model]:
    """Puts slices of the vector in the place of the layers' variables."""
    trace = trace or functional_layers.Trace(by_patches=self._by_patches)
    with self._placement.placed(weights, trace):
      self._restore_classes()
      yield self._model


def _mean_loss(
  logits: tf.Tensor, y: tf.Tensor, mask: Optional[tf.Tensor]
) -> tf.Tensor:
  losses = tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits)
  if mask is None:
    return tf.reduce_mean(losses)
  return tf.math.divide_no_nan(
    tf.reduce_sum(losses * mask), tf.reduce_sum(mask)
  )
