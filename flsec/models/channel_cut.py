"""A model cut in two at the channels of one layer.

What lies below does not depend on the layer's weights, so that it need not be
computed again for every change of them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import tensorflow as tf

from flsec.models import (
  keras_nodes,
  layout_builder,
  pooled_conv,
  random_layers,
)

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


class ChannelCut:
  """The two parts of a model, as functions of its whole weight vector.

  Attributes:
    is_behind: whether the cut is behind the layer, at its channels, and not
      below it.
    place: which of the tensors at the cut holds the channels, on its last axis;
      of a cut behind the layer only.
    ids: of the tensors at the cut, in their order.
    nodes_above: the calls of layers above it, in order.
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
    nodes = keras_nodes.nodes(model.keras_model)
    first = keras_nodes.node_of(nodes, layer)
    if is_behind:
      last = keras_nodes.chain(nodes, first, _APART)[-1]
      seen = set(last.flat_output_ids)
      above = [node for node in nodes if keras_nodes.reads(node, seen)]
    else:
      seen = set(first.flat_output_ids)
      above = [
        node for node in nodes if node is first or keras_nodes.reads(node, seen)
      ]
    self.nodes_above = above
    self._below = [node for node in nodes if node not in above]
    produced = {i for node in above for i in node.flat_output_ids}
    needed = [i for node in above for i in node.flat_input_ids]
    self.ids = list(dict.fromkeys(i for i in needed if i not in produced))
    self.is_behind = is_behind
    self.place = self.ids.index(last.flat_output_ids[0]) if is_behind else -1

  def below(self, weights: tf.Tensor, x: tf.Tensor) -> list[tf.Tensor]:
    """Returns the tensors at the cut.

    Args:
      weights: float32 [d].
      x: float32 [b, ...], model inputs.
    """
    with self._model.placed(weights) as keras_model:
      values = keras_nodes.run(
        self._below, {keras_nodes.input_id(keras_model): x}
      )
    return [values[i] for i in self.ids]

  def above(
    self, weights: tf.Tensor, tensors: Sequence[tf.Tensor]
  ) -> tf.Tensor:
    """Returns the logits, float32 [b, num_classes].

    Args:
      weights: float32 [d]; those below the cut are not read.
      tensors: as `below` returns them.
    """
    with self._model.placed(weights) as keras_model:
      values = keras_nodes.run(self.nodes_above, dict(zip(self.ids, tensors)))
      return tf.cast(values[keras_nodes.output_id(keras_model)], tf.float32)


def keeps_apart(model: 'FlatModel', layer: str) -> bool:
  """Tells whether a layer's channels stay apart up to a cut behind it.

  Then what stands there for a channel without weights is the same for every
  example, and the other channels are as they were. Group and layer
  normalisation mix channels.
  """
  nodes = keras_nodes.nodes(model.keras_model)
  chain = keras_nodes.chain(nodes, keras_nodes.node_of(nodes, layer), _APART)
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
  nodes = keras_nodes.nodes(model.keras_model)
  first, *behind = keras_nodes.chain(
    nodes, keras_nodes.node_of(nodes, layer), _ACTIVATING
  )
  with model.placed(weights):
    if isinstance(first.layer, pooled_conv.PooledConv2D):
      outputs = first.layer.call_unpooled(inputs)  # No activation is behind it.
    else:
      outputs = first.layer(inputs)
      for node in behind:
        outputs = node.layer(outputs)
  return tf.cast(outputs, tf.float32)


def _is_of_one_number(layer: tf.keras.layers.Layer) -> bool:
  function = getattr(layer, 'activation', None)
  if function is None:
    return True
  return tf.keras.activations.serialize(function) in _OF_ONE_NUMBER
