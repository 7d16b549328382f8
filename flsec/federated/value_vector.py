"""Structures of tensors, as TFF types them, seen as one vector."""

from typing import Any, Callable

import numpy as np
import tensorflow as tf
import tensorflow_federated as tff


def check_floats(value_type: tff.Type) -> None:
  """Raises TypeError unless a type is of float tensors of known shape."""
  for tensor_type in _tensor_types(value_type):
    if not tf.as_dtype(tensor_type.dtype).is_floating:
      raise TypeError(
        f'Rules aggregate float tensors; got {tensor_type} in {value_type}.'
      )
    if not tf.TensorShape(tensor_type.shape).is_fully_defined():
      raise TypeError(
        f'Rules need tensors of known shape; got {tensor_type} in {value_type}.'
      )


def size(value_type: tff.Type) -> int:
  """Returns d, how many numbers a value holds.

  Raises:
    TypeError: if the type is not of float tensors of known shape.
  """
  check_floats(value_type)
  return sum(_sizes(value_type))


def flattener(value_type: tff.Type) -> tff.Computation:
  """Builds the computation from a value to its vector, float32 [d]."""

  @tff.tensorflow.computation(value_type)
  def flatten(value: Any) -> tf.Tensor:
    parts = [
      tf.reshape(tf.cast(tensor, tf.float32), [-1])
      for tensor in tf.nest.flatten(value)
    ]
    return tf.concat(parts, axis=0)

  return flatten


def unflattener(value_type: tff.Type) -> Callable[[tf.Tensor], Any]:
  """Builds the function from a vector, float32 [d], back to a value."""
  structure = tff.types.structure_from_tensor_type_tree(
    lambda tensor_type: tensor_type, value_type
  )
  tensor_types = tf.nest.flatten(structure)

  def unflatten(vector: tf.Tensor) -> Any:
    parts = tf.split(vector, _sizes(value_type))
    return tf.nest.pack_sequence_as(
      structure,
      [
        tf.cast(tf.reshape(part, tensor_type.shape), tensor_type.dtype)
        for part, tensor_type in zip(parts, tensor_types)
      ],
    )

  return unflatten


def _tensor_types(value_type: tff.Type) -> list[tff.TensorType]:
  if isinstance(value_type, tff.TensorType):
    return [value_type]
  if not tff.types.is_structure_of_tensors(value_type):
    raise TypeError(f'Rules aggregate structures of tensors; got {value_type}.')
  return tf.nest.flatten(
    tff.types.structure_from_tensor_type_tree(lambda t: t, value_type)
  )


def _sizes(value_type: tff.Type) -> list[int]:
  return [
    int(np.prod(t.shape, dtype=np.int64)) for t in _tensor_types(value_type)
  ]
