"""Walks over a stack of updates in blocks of rows that fit the cache.

For what looks at a whole row at once; `columns` is for what does not. Blocks
are independent: TensorFlow runs several at once on its inter-op threads.
"""

from typing import Any, Callable

import tensorflow as tf

from flsec.numerics import columns

_PARALLEL_BLOCKS = 16
Nest = Any  # Tensors, or tuples of tensors.


def map_row_blocks(
  function: Callable[[tf.Tensor], Nest], updates: tf.Tensor, like: Nest
) -> Nest:
  """Applies `function` to blocks [r, d] of the stack and joins the results.

  Args:
    function: works on each row by itself; returns tensors [r, ...].
    updates: float32 [n, d], d static; n may be unknown.
    like: `tf.TensorSpec` of one row's results.

  Returns:
    The results [n, ...], nested as `like`.
  """
  if columns.is_undivided():
    return function(updates)
  rows = columns.num_rows(updates)
  # Where rows were dropped their number is known only when the graph runs.
  height = 1
  if isinstance(rows, int):
    wanted = round(rows * columns.num_columns(updates) / columns.BLOCK_SIZE)
    if wanted < 2:
      return function(updates)
    # All of one shape, so that the function is traced once; the last block
    # overlaps the one before where they do not come out even.
    height = -(-rows // wanted)
  whole = rows // height
  rest = rows - whole * height

  def block(index: tf.Tensor) -> Nest:
    start = tf.minimum(index * height, rows - height)
    return function(tf.slice(updates, [start, 0], [height, updates.shape[1]]))

  signature = tf.nest.map_structure(
    lambda one: tf.TensorSpec([height, *one.shape], one.dtype), like
  )
  blocks = tf.map_fn(
    block,
    tf.range(-(-rows // height)),
    fn_output_signature=signature,
    parallel_iterations=_PARALLEL_BLOCKS,
  )

  def joined(parts: tf.Tensor, one: tf.TensorSpec) -> tf.Tensor:
    shape = one.shape.as_list()
    result = tf.reshape(parts[:whole], [-1, *shape])
    if isinstance(rest, int) and rest:
      result = tf.concat([result, parts[whole, height - rest :]], axis=0)
    return tf.ensure_shape(result, [updates.shape[0], *shape])

  return tf.nest.map_structure(joined, blocks, like)
