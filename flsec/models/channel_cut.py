"""A model cut in two at the channels of one layer.

What lies below does not depend on the layer's weights, so that it need not be
computed again for every change of them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from flsec.models import layout_builder, pooled_conv, random_layers

if TYPE_CHECKING:
  from flsec.models.flat import FlatModel

# What keeps channels apart: one output channel an input channel.
_APART = (
  tf.keras.layers.Activation,
  tf.keras.layers.ReLU,
  tf.keras.layers.LeakyReLU,
  tf.keras.layers.ELU,
  tf.keras.layers.BatchNormalization,
  random_layers.RandomLayer,
  *layout_builder.POOLING,
)
# Activations and normalisations, which stand between products and activations.
_ACTIVATING = (
  tf.keras.layers.Activation,
  tf.keras.layers.ReLU,
  tf.keras.layers.LeakyReLU,
  tf.keras.layers.ELU,
  tf.keras.layers.BatchNormalization,
  tf.keras.layers.GroupNormalization,
  tf.keras.layers.LayerNormalization,
)
# Of one number alone; others, such as softmax, mix channels.
_OF_ONE_NUMBER = (
  'linear',
  'relu',
  'relu6',
  'leaky_relu',
  'elu',
  'selu',
  'gelu',
  'silu',
  'swish',
  'sigmoid',
  'hard_sigmoid',
  'tanh',
  'softplus',
  'softsign',
  'exponential',
)

Node = Any
Values = dict[str, tf.Tensor]


class ChannelCut:
  """The two parts of a model, as functions of its whole weight vector.

  Attributes:
    is_behind: whether the cut is behind the layer, at its channels, and not
      below it.
    place: which of the tensors at the cut holds the channels, on its last axis;
      of a cut behind the layer only.
  """

  def __init__(
    self, model: 'FlatModel', layer: str, *, is_behind: bool = False
  ):
    """Cuts a model.

    Args:
      model: the flat model.
      layer: a conv or dense layer's name.
      is_behind: cut behind the layer and all that keeps its channels apart
        (activation, batch normalisation, pooling), where `keeps_apart` says
        that a channel without weights changes no other one up to there.
    """
    self._model = model
    nodes = _nodes(model.keras_model)
    first = _node_of(nodes, layer)
    if is_behind:
      last = _chain(nodes, first, _APART)[-1]
      seen = set(last.flat_output_ids)
      above = [node for node in nodes if _reads(node, seen)]
    else:
      seen = set(first.flat_output_ids)
      above = [node for node in nodes if node is first or _reads(node, seen)]
    self._above = above
    self._below = [node for node in nodes if node not in above]
    produced = {i for node in above for i in node.flat_output_ids}
    needed = [i for node in above for i in node.flat_input_ids]
    self._cut = list(dict.fromkeys(i for i in needed if i not in produced))
    self.is_behind = is_behind
    self.place = self._cut.index(last.flat_output_ids[0]) if is_behind else -1

  def below(self, weights: tf.Tensor, x: tf.Tensor) -> list[tf.Tensor]:
    """Returns the tensors at the cut.

    Args:
      weights: float32 [d].
      x: float32 [b, ...], model inputs.
    """
    with self._model.placed(weights) as keras_model:
      values = _run(self._below, {_input_id(keras_model): x})
    return [values[i] for i in self._cut]

  def above(
    self, weights: tf.Tensor, tensors: Sequence[tf.Tensor]
  ) -> tf.Tensor:
    """Returns the logits, float32 [b, num_classes].

    Args:
      weights: float32 [d]; those below the cut are not read.
      tensors: as `below` returns them.
    """
    with self._model.placed(weights) as keras_model:
      values = _run(self._above, dict(zip(self._cut, tensors)))
      return tf.cast(values[str(id(keras_model.outputs[0]))], tf.float32)


def keeps_apart(model: 'FlatModel', layer: str) -> bool:
  """Tells whether a layer's channels stay apart up to a cut behind it.

  Then what stands there for a channel without weights is the same for every
  example, and the other channels are as they were. Group and layer
  normalisation mix channels.
  """
  nodes = _nodes(model.keras_model)
  chain = _chain(nodes, _node_of(nodes, layer), _APART)
  behind = set(chain[-1].flat_output_ids)
  mixes = any(
    isinstance(
      node.layer,
      (tf.keras.layers.GroupNormalization, tf.keras.layers.LayerNormalization),
    )
    for node in nodes
    if behind & set(node.flat_input_ids)
  )
  return not mixes and all(_is_of_one_number(node.layer) for node in chain)


def activations(
  model: 'FlatModel', weights: tf.Tensor, x: tf.Tensor, layer: str
) -> tf.Tensor:
  """Returns what a layer's channels put out, before any pooling.

  That is behind its normalisation and activation, where they follow directly:
  an addition (of a residual block) is not passed.

  Args:
    model: the flat model.
    weights: float32 [d].
    x: float32 [b, ...], model inputs.
    layer: a conv or dense layer's name.

  Returns:
    float32 [b, ..., C].
  """
  cut = ChannelCut(model, layer)
  (inputs, *_) = cut.below(weights, x)
  nodes = _nodes(model.keras_model)
  first, *behind = _chain(nodes, _node_of(nodes, layer), _ACTIVATING)
  with model.placed(weights):
    if isinstance(first.layer, pooled_conv.PooledConv2D):
      outputs = first.layer.call_unpooled(inputs)  # No activation is behind it.
    else:
      outputs = first.layer(inputs)
      for node in behind:
        outputs = node.layer(outputs)
  return tf.cast(outputs, tf.float32)


def _nodes(keras_model: tf.keras.Model) -> list[Node]:
  """Returns the calls of layers, each behind those that it reads."""
  by_depth = keras_model._nodes_by_depth
  return [
    node
    for depth in sorted(by_depth, reverse=True)
    for node in by_depth[depth]
    if not node.is_input
  ]


def _node_of(nodes: Sequence[Node], layer: str) -> Node:
  return next(node for node in nodes if node.layer.name == layer)


def _reads(node: Node, seen: set[str]) -> bool:
  """Tells whether a node reads one of the tensors; adds what it puts out."""
  found = bool(seen & set(node.flat_input_ids))
  if found:
    seen.update(node.flat_output_ids)
  return found


def _chain(
  nodes: Sequence[Node], first: Node, kinds: tuple[type, ...]
) -> list[Node]:
  """Returns a node and those behind it while they are of these kinds, alone."""
  chain = [first]
  while True:
    output = chain[-1].flat_output_ids[0]
    readers = [node for node in nodes if output in node.flat_input_ids]
    if len(readers) != 1 or not isinstance(readers[0].layer, kinds):
      return chain
    chain.append(readers[0])


def _is_of_one_number(layer: tf.keras.layers.Layer) -> bool:
  function = getattr(layer, 'activation', None)
  if function is None:
    return True
  return tf.keras.activations.serialize(function) in _OF_ONE_NUMBER


def _run(nodes: Sequence[Node], values: Values) -> Values:
  """Calls layers, in order, as Keras does."""
  held = {key: _Held(value) for key, value in values.items()}
  for node in nodes:
    arguments, options = node.map_arguments(held)
    outputs = tf.nest.flatten(node.layer(*arguments, **options))
    held.update(zip(node.flat_output_ids, map(_Held, outputs)))
  return {key: one.value for key, one in held.items()}


class _Held:
  """A tensor that may be taken as often as it is read."""

  def __init__(self, value: tf.Tensor):
    self.value = value

  def pop(self) -> tf.Tensor:
    return self.value


def _input_id(keras_model: tf.keras.Model) -> str:
  return str(id(keras_model.inputs[0]))
