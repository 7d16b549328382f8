"""A serialised TFF TensorFlow computation as a function of tensors."""

import collections
import itertools
from collections.abc import Sequence
from typing import Any, Callable, Optional

import tensorflow as tf
import tensorflow_federated as tff
from tensorflow.python.eager import context

from flsec.runtime import runtime

_suffixes = itertools.count()


def graph_function(
  computation: tff.Computation, names: Optional[list[str]] = None
) -> Callable[..., list[tf.Tensor]]:
  """Imports a `tff.tensorflow.computation` into this process.

  Args:
    computation: a computation whose body is a TensorFlow graph.
    names: takes the names of the functions that TensorFlow keeps for it, which
      are for `forget`.

  Returns:
    A function from the parameter's leaves, in order, to the result's leaves.

  Raises:
    UnsupportedProcessError: the graph keeps variables, which calls on several
      threads would share.
  """
  proto = tff.framework.serialize_computation(computation).tensorflow
  if proto.initialize_op:
    raise runtime.UnsupportedProcessError(
      'This computation keeps TensorFlow variables, which clients trained side '
      'by side in_process would share. Set runtime.context to tff_local, or '
      'build it without variables (in tff.learning: a functional model, '
      'tff.learning.models.functional_model_from_keras).'
    )
  graph_def = tf.compat.v1.GraphDef()
  proto.graph_def.Unpack(graph_def)
  made = _make_function_names_unique(graph_def)
  if names is not None:
    names += made
  feeds = _tensor_names(proto.parameter) if proto.HasField('parameter') else []
  fetches = _tensor_names(proto.result)
  imported = tf.compat.v1.wrap_function(
    lambda: tf.graph_util.import_graph_def(graph_def, name=''), []
  )
  find = imported.graph.get_tensor_by_name
  pruned = imported.prune(
    [find(name) for name in feeds], [find(name) for name in fetches]
  )
  # Called by itself, it would first write its arguments, whole tensors, into
  # the message of an error that it then passes over.
  specs = [tf.TensorSpec(find(name).shape, find(name).dtype) for name in feeds]
  return tf.function(
    lambda *leaves: pruned(*leaves), input_signature=specs, autograph=False
  ).get_concrete_function()


def forget(names: list[str]) -> None:
  """Takes functions that were imported out of TensorFlow, and off the list.

  TensorFlow keeps what a graph brings along, some megabytes, for as long as the
  process lives, whether anything refers to it or not. Nothing that was imported
  may be called afterwards.
  """
  functions = context.context()
  while names:
    # Each of the two that wrap the graph has counted them once.
    while functions.has_function(names[-1]):
      functions.remove_function(names[-1])
    names.pop()


def flatten(value: Any) -> list[Any]:
  """Returns the leaves of a nest of structs, in TFF's order.

  A `tf.data.Dataset`, which TFF types as a sequence, is the variant tensor that
  an imported graph makes it from.
  """
  if isinstance(value, tf.data.Dataset):
    return [tf.data.experimental.to_variant(value)]
  if isinstance(value, tff.structure.Struct):
    value = list(value)
  if isinstance(value, dict):
    value = list(value.values())
  if isinstance(value, (list, tuple)):
    return [leaf for item in value for leaf in flatten(item)]
  return [value]


def pack(type_spec: tff.Type, leaves: Sequence[Any]) -> Any:
  """Builds the nest that a TFF type describes from its leaves."""
  remaining = iter(leaves)

  def build(spec: tff.Type) -> Any:
    if not isinstance(spec, tff.StructType):
      return next(remaining)
    items = [
      (name, build(element))
      for name, element in tff.structure.iter_elements(spec)
    ]
    if all(name is not None for name, _ in items):
      return collections.OrderedDict(items)
    return tuple(item for _, item in items)

  return build(type_spec)


def _tensor_names(binding: Any) -> list[str]:
  kind = binding.WhichOneof('binding')
  if kind == 'struct':
    return [
      name
      for element in binding.struct.element
      for name in _tensor_names(element)
    ]
  if kind == 'sequence':
    return [binding.sequence.variant_tensor_name]
  return [binding.tensor.tensor_name] if kind == 'tensor' else []


def _make_function_names_unique(graph_def: tf.compat.v1.GraphDef) -> list[str]:
  """Renames library functions: two imports may not share a name.

  Returns:
    The new names.
  """
  suffix = f'_flsec{next(_suffixes)}'
  renamed = {
    function.signature.name: function.signature.name + suffix
    for function in graph_def.library.function
  }

  def rename_in(nodes: Any) -> None:
    for node in nodes:
      node.op = renamed.get(node.op, node.op)
      for attribute in node.attr.values():
        if attribute.WhichOneof('value') == 'func':
          functions = [attribute.func]
        else:
          functions = attribute.list.func
        for function in functions:
          function.name = renamed.get(function.name, function.name)

  rename_in(graph_def.node)
  for function in graph_def.library.function:
    rename_in(function.node_def)
    function.signature.name = renamed[function.signature.name]
  for gradient in graph_def.library.gradient:
    gradient.function_name = renamed.get(
      gradient.function_name, gradient.function_name
    )
    gradient.gradient_func = renamed.get(
      gradient.gradient_func, gradient.gradient_func
    )
  return list(renamed.values())
