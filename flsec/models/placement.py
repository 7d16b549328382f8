"""Tensors in the place of a Keras model's variables."""

import contextlib
import dataclasses
import math
import threading
from collections.abc import Callable, Iterator
from typing import Any, Optional, Union

import numpy as np
import tensorflow as tf

from flsec.models import acceptance, layer_weights, starting_weights
from flsec.models.layout import Span

# Keras reads a layer's weights from its attributes: only one trace at a time
# may put tensors there.
_TRACE = threading.RLock()

# Draws of one seed round differently on other hardware.
_SAME = 1e-5

Regularizer = Callable[[tf.Tensor], tf.Tensor]


@dataclasses.dataclass(frozen=True)
class Place:
  """One weight of a model.

  Attributes:
    layer: the layer that reads it.
    attribute: where the layer looks for it.
    span: its entries of the weight vector; None: it is frozen.
    start: what it starts from, and keeps where it is frozen.
    index: the layer's number among those with weights.
    regularizers: functions of it that count in the loss.
  """

  layer: tf.keras.layers.Layer
  attribute: str
  span: Optional[Span]
  start: starting_weights.Start
  index: int
  regularizers: tuple[Regularizer, ...] = ()

  def frozen(self) -> tf.Tensor:
    """Returns the value of a frozen weight, a constant of the graph."""
    return tf.constant(self.start.value)


def places(model: tf.keras.Model, clone: tf.keras.Model) -> list[Place]:
  """Lists the weights of a clone in Keras order, as the original has them.

  Args:
    model: the model as it was built; it is not kept.
    clone: its clone, which reads the weights.
  """
  found, start = [], 0
  weighted = [layer for layer in model.layers if layer.weights]
  for index, layer in enumerate(weighted):
    trained = layer_weights.trained_attributes(layer)
    regularizers = acceptance.regularizers(layer)
    for attribute in layer_weights.weight_attributes(layer):
      span = None
      if attribute in trained:
        span = Span(start, tuple(getattr(layer, attribute).shape))
        start = span.stop
      found.append(
        Place(
          layer=clone.get_layer(layer.name),
          attribute=attribute,
          span=span,
          start=starting_weights.start_of(
            layer, attribute, is_frozen=span is None
          ),
          index=index,
          regularizers=tuple(regularizers.get(attribute, ())),
        )
      )
  return found


class Placement:
  """Puts slices of a weight vector where a model's layers look for weights."""

  def __init__(self, model: tf.keras.Model, clone: tf.keras.Model):
    """Takes over a model's weights.

    Args:
      model: as it was built.
      clone: what is run.
    """
    self._model = clone
    self._places = places(model, clone)
    self._is_whole = all(place.span is not None for place in self._places)

  def initial(self, seed: int) -> np.ndarray:
    """Returns where training starts, float32 [d]; draws from `seed` only."""
    values = [
      np.ravel(place.start.draw(seed, place.index, place.attribute))
      for place in self._places
      if place.span is not None
    ]
    return np.concatenate(values).astype(np.float32)

  def tensors(
    self, weights: Union[tf.Tensor, tuple[tf.Tensor, ...]]
  ) -> list[tf.Tensor]:
    """Splits the vector into the layers' weights, those frozen among them.

    Args:
      weights: float32 [d], or what it is split into: its parts, in order.
    """
    spans = [place.span for place in self._places if place.span is not None]
    if not isinstance(weights, tuple):
      # The gradient of a split is one concatenation.
      weights = tf.split(weights, [span.size for span in spans])
    parts = iter(weights)
    return [
      place.frozen()
      if place.span is None
      else tf.reshape(next(parts), place.span.shape)
      for place in self._places
    ]

  def whole(self, weights: tf.Tensor) -> np.ndarray:
    """Returns all weights of the model in Keras order, float32 [D]."""
    if self._is_whole:
      return np.asarray(weights)
    return np.concatenate([np.ravel(t) for t in self.tensors(weights)])

  def names(self) -> list[tuple[str, str, tuple[int, ...]]]:
    """Returns layer, attribute and shape of each weight, in Keras order."""
    return [
      (place.layer.name, place.attribute, tuple(place.start.shape))
      for place in self._places
    ]

  def trained(self, whole: np.ndarray) -> np.ndarray:
    """Returns the trained ones [d] of all weights [D].

    Raises:
      ValueError: a frozen weight is not the one of this model.
    """
    if self._is_whole:
      return whole
    found, start = [], 0
    for place in self._places:
      size = math.prod(place.start.shape)
      part = whole[start : start + size]
      start += size
      if place.span is not None:
        found.append(part)
      elif not np.allclose(
        part, np.ravel(place.start.value), _SAME, _SAME, equal_nan=True
      ):
        raise ValueError(
          f'Frozen layer {place.layer.name!r} has another {place.attribute} '
          'than the model that was saved. Build the model from the weights it '
          'was built from, or start the run anew.'
        )
    return np.concatenate(found)

  @property
  def is_regularized(self) -> bool:
    """Whether some weight adds to the loss."""
    return any(place.regularizers for place in self._places)

  def penalty(self, weights: tf.Tensor) -> tf.Tensor:
    """Returns what the weights' regularisers add to the loss, float32 []."""
    tensors = self.tensors(weights)
    return tf.add_n(
      [
        tf.cast(tf.reduce_sum(regularizer(tensor)), tf.float32)
        for place, tensor in zip(self._places, tensors)
        for regularizer in place.regularizers
      ]
    )

  @contextlib.contextmanager
  def placed(self, weights: tf.Tensor, trace: Any) -> Iterator[None]:
    """Lets the clone run on the vector [d], and its layers share `trace`."""
    with _TRACE, contextlib.ExitStack() as stack:
      for place, tensor in zip(self._places, self.tensors(weights)):
        held = vars(place.layer)
        stack.callback(held.__setitem__, place.attribute, held[place.attribute])
        held[place.attribute] = tf.cast(tensor, place.layer.compute_dtype)
      for layer in self._model.layers:
        if hasattr(layer, 'trace'):
          vars(layer)['trace'] = trace
          stack.callback(vars(layer).__setitem__, 'trace', None)
      yield
