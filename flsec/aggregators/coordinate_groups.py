"""Walks over random groups of coordinates, many groups at once."""

from typing import Callable

import tensorflow as tf

from flsec.aggregators import columns, gram
from flsec.aggregators.group_rules import Block
from flsec.aggregators.random_order import random_order

# Entries of a block's largest tensor: 16 MB in float64.
_BLOCK_ENTRIES = 2_000_000


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
  dimension = columns.num_columns(updates)
  width = -(-dimension // min(num_groups, dimension))
  groups = -(-dimension // width)
  per_block = _groups_per_block(updates.shape[0] or 100, width, groups)
  blocks = -(-groups // per_block)
  padding = blocks * per_block * width - dimension
  order = tf.pad(random_order(dimension, seed), [[0, padding]])
  order = tf.reshape(order, [blocks, per_block, width])
  # Seen from one of the rows, rounding is that of the differences between
  # clients and not of the entries.
  centre = updates[gram.middle_row(updates)]

  def add(index: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    places = order[index]  # [g, c]
    position = tf.reshape(
      tf.range(per_block * width), [per_block, width]
    ) + index * (per_block * width)
    is_real = tf.cast(position < dimension, tf.float64)
    middle = tf.cast(tf.gather(centre, places), tf.float64) * is_real
    taken = tf.cast(tf.gather(updates, places, axis=1), tf.float64)
    rows = tf.transpose(taken * is_real - middle, [1, 0, 2])  # [g, n, c]
    part = function(Block(rows, middle, is_real))
    return index + 1, total + tf.reduce_sum(part, axis=0)

  zero = tf.zeros([columns.num_rows(updates)], tf.float64)
  _, total = tf.while_loop(
    lambda index, _: index < blocks,
    add,
    (tf.constant(0), zero),
    parallel_iterations=2,
  )
  return total


def _groups_per_block(rows: int, width: int, groups: int) -> int:
  """Returns how many groups fit a block, the blocks being about equal."""
  most = max(1, _BLOCK_ENTRIES // (rows * max(rows, width)))
  return -(-groups // -(-groups // most))
