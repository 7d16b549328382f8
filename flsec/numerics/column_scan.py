"""One pass over a stack of updates, in blocks of columns that fit the cache.

Statistics along the client axis need no [n, d] temporary: a block is read
once from memory, and all that an attack wants of it is computed while it is
in the cache.
"""

from typing import Callable

import tensorflow as tf

# Columns per block: 80 rows of float32 are then 1.3 MB, about a core's L2.
BLOCK_COLUMNS = 4096

Tensors = tuple[tf.Tensor, ...]
# block [r, w] -> (per-column results, each [w]; sums over the columns).
Visit = Callable[[tf.Tensor], tuple[Tensors, Tensors]]


def scan_columns(
  rows: tf.Tensor, visit: Visit, *, block_columns: int = BLOCK_COLUMNS
) -> tuple[Tensors, Tensors]:
  """Visits the columns block by block and joins the results.

  Args:
    rows: [r, d]; r may be unknown statically. Where d is unknown the stack is
      one block.
    visit: called on blocks [r, w]. Its sums are added up over the blocks, so
      make them float64.
    block_columns: w of every block but the first.

  Returns:
    `(columns, sums)`: the per-column results, each [d], and the totals.
  """
  width = rows.shape[1]
  if width is None or width <= block_columns:
    return visit(rows)
  head = width % block_columns or block_columns
  num_blocks = (width - head) // block_columns
  columns, sums = visit(rows[:, :head])
  if not num_blocks:
    return columns, sums
  arrays = [
    tf.TensorArray(c.dtype, num_blocks, element_shape=[block_columns])
    for c in columns
  ]

  def step(index, arrays, totals):
    start = head + index * block_columns
    block = tf.slice(rows, [0, start], [-1, block_columns])
    block_columns_, block_sums = visit(block)
    arrays = [a.write(index, c) for a, c in zip(arrays, block_columns_)]
    return index + 1, arrays, [t + s for t, s in zip(totals, block_sums)]

  _, arrays, totals = tf.while_loop(
    lambda index, *_: index < num_blocks,
    step,
    (tf.constant(0), arrays, list(sums)),
    maximum_iterations=num_blocks,
  )
  joined = [
    tf.concat([first, tf.reshape(array.stack(), [-1])], axis=0)
    for first, array in zip(columns, arrays)
  ]
  return tuple(joined), tuple(totals)


def mean(rows: tf.Tensor) -> tf.Tensor:
  """Returns the mean row, [r, d] -> [d], in one pass."""
  return tf.reduce_mean(rows, axis=0)


def centred(block: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
  """Returns a block's mean [w], its rows less the mean, and their squares."""
  block_mean = tf.reduce_mean(block, axis=0)
  deviations = block - block_mean  # [r, w]
  return block_mean, deviations, tf.square(deviations)


def sample_std(squares: tf.Tensor) -> tf.Tensor:
  """Returns the std (ddof = 1; 0 of one row) from squared deviations."""
  degrees = tf.cast(tf.maximum(tf.shape(squares)[0] - 1, 1), squares.dtype)
  return tf.sqrt(tf.reduce_sum(squares, axis=0) / degrees)


def mean_and_std(rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns the mean row and the sample std, [r, d] -> ([d], [d]).

  Two-step in each block (deviations from the block's own mean), so that a mean
  far above the spread costs no digits. ddof = 1; one row has std 0.
  """

  def visit(block: tf.Tensor) -> tuple[Tensors, Tensors]:
    block_mean = tf.reduce_mean(block, axis=0)
    squares = tf.math.squared_difference(block, block_mean)
    return (block_mean, sample_std(squares)), ()

  return scan_columns(rows, visit)[0]
