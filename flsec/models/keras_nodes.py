"""A Keras model's graph: calls of layers, and running a part of them."""

from collections.abc import Sequence
from typing import Any, Optional

import tensorflow as tf

Node = Any
Values = dict[str, tf.Tensor]


def nodes(keras_model: tf.keras.Model) -> list[Node]:
  """Returns the calls of layers, each behind those that it reads."""
  by_depth = keras_model._nodes_by_depth
  return [
    node
    for depth in sorted(by_depth, reverse=True)
    for node in by_depth[depth]
    if not node.is_input
  ]


def node_of(nodes: Sequence[Node], layer: str) -> Node:
  """Returns the first call of a layer."""
  return next(node for node in nodes if node.layer.name == layer)


def reads(node: Node, seen: set[str]) -> bool:
  """Tells whether a node reads one of the tensors; adds what it puts out."""
  found = bool(seen & set(node.flat_input_ids))
  if found:
    seen.update(node.flat_output_ids)
  return found


def only_reader(nodes: Sequence[Node], tensor_id: str) -> Optional[Node]:
  """Returns the node that reads a tensor; None unless it is one alone."""
  readers = [node for node in nodes if tensor_id in node.flat_input_ids]
  return readers[0] if len(readers) == 1 else None


def chain(
  nodes: Sequence[Node], first: Node, kinds: tuple[type, ...]
) -> list[Node]:
  """Returns a node and those behind it while they are of these kinds, alone."""
  chain = [first]
  while True:
    reader = only_reader(nodes, chain[-1].flat_output_ids[0])
    if reader is None or not isinstance(reader.layer, kinds):
      return chain
    chain.append(reader)


def run(nodes: Sequence[Node], values: Values) -> Values:
  """Calls layers, in order, as Keras does."""
  held = {key: _Held(value) for key, value in values.items()}
  for node in nodes:
    arguments, options = node.map_arguments(held)
    outputs = tf.nest.flatten(node.layer(*arguments, **options))
    held.update(zip(node.flat_output_ids, map(_Held, outputs)))
  return {key: one.value for key, one in held.items()}


def input_id(keras_model: tf.keras.Model) -> str:
  """Returns the id of the model's input, as nodes have it."""
  return str(id(keras_model.inputs[0]))


def output_id(keras_model: tf.keras.Model) -> str:
  """Returns the id of what the model puts out, as nodes have it."""
  return str(id(keras_model.outputs[0]))


class _Held:
  """A tensor that may be taken as often as it is read."""

  def __init__(self, value: tf.Tensor):
    self.value = value

  def pop(self) -> tf.Tensor:
    return self.value
