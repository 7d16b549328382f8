"""Walks over random groups of coordinates, many groups at once."""

import dataclasses
from typing import Any, Callable

import tensorflow as tf

from flsec.numerics import columns, gram
from flsec.numerics.random_order import random_order

# Entries of a block's largest tensor: 16 MB in float64.
_BLOCK_ENTRIES = 2_000_000
# Of the stack, one of which is held in another order. A tenth of the columns is
# dense enough to be read quickly.
_PARTS = 10


@dataclasses.dataclass(frozen=True)
class Block:
  """The updates in g groups of c coordinates.

  Attributes:
    rows: float64 [g, n, c], minus `middle`; 0 where a group is padded.
    middle: float64 [g, c], what was subtracted.
    is_real: float64 [g, c], 0 where a group is padded.
  """

  rows: tf.Tensor
  middle: tf.Tensor
  is_real: tf.Tensor


def sum_over_groups(
  function: Callable[[Block], tf.Tensor],
  updates: tf.Tensor,
  num_groups: int,
  seed: tf.Tensor,
) -> tf.Tensor:
  """Adds up `function(block of g groups) [g, n]` over random groups.

  Args:
    function: the part of each group and client; 0 for a group of zeros only.
    updates: float32 [n, d].
    num_groups: p; groups hold ceil(d / p) coordinates, the last one fewer.
    seed: int32 [2], of the order of the coordinates.

  Returns:
    float64 [n].
  """
  dimension, rows = columns.num_columns(updates), columns.num_rows(updates)
  width = -(-dimension // min(num_groups, dimension))
  groups = -(-dimension // width)
  per_block = _groups_per_block(updates.shape[0] or 100, width, groups)
  blocks = -(-groups // per_block)  # In a part.
  parts = min(_PARTS, blocks)
  blocks = -(-blocks // parts)
  size = per_block * width  # Columns of a block.
  order = random_order(dimension, seed)
  order = tf.pad(order, [[0, parts * blocks * size - dimension]])
  order = tf.reshape(order, [parts, blocks * size])
  # Seen from one of the rows, rounding is that of the differences between
  # clients and not of the entries.
  centre = tf.gather(updates, gram.middle_row(updates))

  def add_part(
    part: tf.Tensor, total: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor]:
    places = tf.gather(order, part)
    taken = _transposed_columns(updates, places)
    taken = tf.reshape(taken, [blocks, per_block, width, rows])
    position = tf.range(blocks * size) + part * (blocks * size)
    is_real = tf.cast(position < dimension, tf.float64)
    middle = tf.cast(tf.gather(centre, places), tf.float64) * is_real
    shape = [blocks, per_block, width]
    middle, is_real = tf.reshape(middle, shape), tf.reshape(is_real, shape)

    def add(index: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
      inner = tf.gather(middle, index)  # [g, c]
      real = tf.gather(is_real, index)
      block = tf.cast(
        tf.transpose(tf.gather(taken, index), [0, 2, 1]), tf.float64
      )
      block = block * real[:, None] - inner[:, None]  # [g, n, c]
      value = function(Block(block, inner, real))
      return index + 1, total + tf.reduce_sum(value, axis=0)

    return part + 1, _loop(blocks, add, total, at_once=2)

  zero = tf.zeros([rows], tf.float64)
  return _loop(parts, add_part, zero, at_once=1)


def _loop(
  count: int, body: Callable[..., Any], total: tf.Tensor, *, at_once: int
) -> tf.Tensor:
  return tf.while_loop(
    lambda index, _: index < count,
    body,
    (tf.constant(0), total),
    parallel_iterations=at_once,
  )[1]


def _transposed_columns(updates: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
  """Returns `updates[:, places]` transposed, float32 [len(places), n].

  The stack is read from left to right, and what is read is put into order
  afterwards, row by row: one number here and one there would be a miss of the
  cache each.
  """
  ascending = tf.argsort(places)
  taken = tf.gather(updates, tf.gather(places, ascending), axis=1)
  count = places.shape[0]
  rank = tf.scatter_nd(ascending[:, None], tf.range(count), [count])
  return tf.gather(tf.transpose(taken), rank)


def _groups_per_block(rows: int, width: int, groups: int) -> int:
  """Returns how many groups fit a block, the blocks being about equal."""
  most = max(1, _BLOCK_ENTRIES // (rows * max(rows, width)))
  return -(-groups // -(-groups // most))
