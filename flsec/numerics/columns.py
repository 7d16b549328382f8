"""Walks over a stack of updates in blocks of columns that fit the cache.

The stack [n, d] is the largest thing on the server. A temporary of its size
costs more than the arithmetic of most rules, so they work on blocks. Blocks are
independent of each other: TensorFlow runs several iterations of the loop at
once on its inter-op threads, also where an op has a single thread.
"""

import os
from typing import Callable, Union

import tensorflow as tf

# Floats in a block: 2.4 MB, a core's share of the caches.
BLOCK_SIZE = 600_000
# More blocks at once than cores only push each other out of the cache.
_PARALLEL_BLOCKS = min(max(os.cpu_count() or 2, 2), 16)
Count = Union[int, tf.Tensor]


def num_rows(updates: tf.Tensor) -> Count:
  """Returns n of [n, d]: an int where it is known statically."""
  static = updates.shape[0]
  return tf.shape(updates)[0] if static is None else static


def num_columns(updates: tf.Tensor) -> int:
  """Returns d of [n, d], which has to be known statically.

  Raises:
    ValueError: if it is not.
  """
  if updates.shape.rank != 2 or updates.shape[1] is None:
    raise ValueError(
      'Rules take updates of shape [n, d] with d known when the graph is '
      f'built; got {updates.shape}. Set the shape with tf.ensure_shape.'
    )
  return int(updates.shape[1])


def map_columns(
  function: Callable[[tf.Tensor], tf.Tensor], updates: tf.Tensor
) -> tf.Tensor:
  """Applies `function`, [n, c] -> [c], to all columns of the stack.

  Args:
    function: works on each column by itself.
    updates: float32 [n, d].

  Returns:
    float32 [d].
  """
  dimension = num_columns(updates)
  width = _width(updates)
  if dimension <= width:
    return tf.ensure_shape(function(updates), [dimension])
  whole, rest = divmod(dimension, width)

  def block(index: tf.Tensor) -> tf.Tensor:
    # The last block overlaps the one before, so that all are of one shape and
    # the function is traced once.
    start = tf.minimum(index * width, dimension - width)
    return function(slice_columns(updates, start, width))

  blocks = tf.map_fn(
    block,
    tf.range(whole + (rest > 0)),
    fn_output_signature=tf.TensorSpec([width], updates.dtype),
    parallel_iterations=_PARALLEL_BLOCKS,
  )
  result = tf.reshape(blocks[:whole], [-1])
  if rest:
    result = tf.concat([result, blocks[whole, width - rest :]], axis=0)
  return tf.ensure_shape(result, [dimension])


def sum_columns(
  function: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
  updates: tf.Tensor,
  centre: tf.Tensor,
  zero: tf.Tensor,
) -> tf.Tensor:
  """Adds up `function(block [n, c], centre's block [c])` over all columns.

  Args:
    function: returns a tensor like `zero`.
    updates: float32 [n, d].
    centre: float32 [d], cut into blocks alongside.
    zero: what the sum starts from; its type is the type of the accumulator.

  Returns:
    The sum, like `zero`.
  """
  dimension = num_columns(updates)
  width = min(_width(updates), dimension)
  whole = dimension // width

  def add(index: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    block = slice_columns(updates, index * width, width)
    part = function(block, tf.slice(centre, [index * width], [width]))
    return index + 1, total + part

  _, total = tf.while_loop(
    lambda index, _: index < whole,
    add,
    (tf.constant(0), zero),
    parallel_iterations=_PARALLEL_BLOCKS,
  )
  if dimension % width:
    start = whole * width
    total += function(updates[:, start:], centre[start:])
  return total


def slice_columns(
  updates: tf.Tensor, start: tf.Tensor, width: int
) -> tf.Tensor:
  """Returns [n, width] from column `start`; XLA wants the constant width."""
  return tf.slice(updates, [0, start], [num_rows(updates), width])


def _width(updates: tf.Tensor) -> int:
  # Where n is unknown (a stack with dropped rows), assume a usual federation.
  rows = 100 if updates.shape[0] is None else updates.shape[0]
  return max(1024, BLOCK_SIZE // max(rows, 1))
