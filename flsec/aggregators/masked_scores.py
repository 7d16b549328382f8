"""Pruned updates against the server's pruned update, entry by entry (FedER)."""

from typing import NamedTuple

import tensorflow as tf

from flsec.numerics import columns, largest_entries, scaled_sums
from flsec.numerics.row_blocks import map_row_blocks

# Of a row, in float32: far from overflow, and so far above the smallest number
# that squares lost below it are no part of the sum.
_LEAST_SQUARE, _MOST_SQUARE = 2.0**-60, 2.0**100


class Scores(NamedTuple):
  """What a pruned row x m has to do with the server's pruned row g m.

  Attributes:
    masks: bool [n, d], the entries of each row that count in the result.
    cosines: float64 [n], of x m to g m; 0 where either is zero.
    norms: float64 [n], ||x m||.
    means: float64 [n], the mean of |x| over the entries of m; 0 where m is
      empty.
    sent_entries: int32 [n], entries other than 0 of the row as it is sent.
    root_norm: float64, ||g m_s||, of the server's row with its own mask.
  """

  masks: tf.Tensor
  cosines: tf.Tensor
  norms: tf.Tensor
  means: tf.Tensor
  sent_entries: tf.Tensor
  root_norm: tf.Tensor


def masked_scores(
  updates: tf.Tensor,
  root: tf.Tensor,
  count: tf.Tensor,
  seed: tf.Tensor,
  *,
  is_additive: bool = False,
) -> Scores:
  """Prunes all rows and the server's to their largest entries and scores them.

  One pass over the stack.

  Args:
    updates: float32 [n, d], all finite.
    root: float32 [d], the server's own update g.
    count: int32 scalar, entries left of each row.
    seed: int32 [2], of the order that decides between equal magnitudes.
    is_additive: m is the union of a row's mask and the server's, what is pruned
      being 0; else their intersection.
  """
  dimension = columns.num_columns(updates)
  order = largest_entries.tie_order(dimension, seed)
  root_mask, _ = largest_entries.mark_largest(
    largest_entries.magnitudes(root[None]), count, order
  )  # [1, d]
  root = tf.where(root_mask[0], root, 0.0)
  root_norm = tf.norm(tf.cast(root, tf.float64))
  # Of about length 1, so that squares fit in float32.
  root = tf.cast(tf.math.divide_no_nan(1.0, root_norm), tf.float32) * root
  root_squares = root * root

  def visit(block: tf.Tensor) -> tuple[tf.Tensor, ...]:
    keys = largest_entries.magnitudes(block)
    own, least = largest_entries.mark_largest(keys, count, order)
    mask = own if is_additive else own & root_mask
    counted = tf.cast(mask, tf.float32)
    within = tf.reduce_sum(root_squares)
    if not is_additive:
      within = tf.reduce_sum(counted * root_squares, axis=1)
    inner, norms, sizes = _sums(block * counted, root, keys)
    if is_additive:
      counted = tf.cast(own | root_mask, tf.float32)
    entries = tf.cast(tf.reduce_sum(counted, axis=1), tf.float64)
    lengths = norms * tf.sqrt(tf.cast(within, tf.float64))
    return (
      mask,
      tf.math.divide_no_nan(inner, lengths),
      norms,
      tf.math.divide_no_nan(sizes, entries),
      _other_than_zero(keys, own, least, count),
    )

  scalar = tf.TensorSpec([], tf.float64)
  masks, cosines, norms, means, sent = map_row_blocks(
    visit,
    updates,
    (
      tf.TensorSpec([dimension], tf.bool),
      scalar,
      scalar,
      scalar,
      tf.TensorSpec([], tf.int32),
    ),
  )
  cosines = tf.clip_by_value(cosines, -1.0, 1.0)
  return Scores(masks, cosines, norms, means, sent, root_norm)


def masked_sum(
  coefficients: tf.Tensor, updates: tf.Tensor, masks: tf.Tensor
) -> tf.Tensor:
  """Returns `sum_i c_i (x_i m_i)`, float32 [d], with no second stack.

  Args:
    coefficients: float [n].
    updates: float32 [n, d].
    masks: bool [n, d].
  """
  row = tf.cast(coefficients, updates.dtype)[None, :]  # [1, n]
  half = tf.constant(scaled_sums.HALF, updates.dtype)

  def add(block: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    halves = tf.matmul(row * half, block * tf.cast(mask, block.dtype))[0]
    return scaled_sums.undo(halves, half)

  return columns.ask(updates, columns.each(add, masks))


def _sums(
  kept: tf.Tensor, root: tf.Tensor, keys: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
  """Returns <x, g>, ||x|| and sum |x| of rows [r, d], each float64 [r].

  Added up in float32, as trees of partial sums. Rows whose squares do not fit
  are first made smaller or larger by a power of two.

  Args:
    kept: float32 [r, d].
    root: float32 [d], g, of about length 1.
    keys: int32 [r, d], the magnitudes of the rows before they were masked.
  """

  def add_up(rows: tf.Tensor) -> tf.Tensor:
    parts = (rows * root, rows * rows, tf.abs(rows))
    sums = tf.stack([tf.reduce_sum(part, axis=1) for part in parts])
    return tf.cast(sums, tf.float64)  # [3, r]

  def add_up_scaled() -> tf.Tensor:
    # 2^-e as a float32, from the exponent e of the largest magnitude; from -126
    # to 126, so that 2^-e is a normal number.
    exponents = tf.bitwise.bitwise_and(
      tf.reduce_max(keys, axis=1), largest_entries.EXPONENT
    )
    exponents = tf.clip_by_value(exponents, 1 << 23, 253 << 23)
    inverse = tf.bitcast((254 << 23) - exponents, tf.float32)
    size = tf.cast(1.0, tf.float64) / tf.cast(inverse, tf.float64)
    found = add_up(kept * inverse[:, None])
    return found * tf.stack([size, size * size, size])

  plain = add_up(kept)
  # Neither overflow nor what is lost below the smallest square.
  fits = tf.reduce_all((plain[1] > _LEAST_SQUARE) & (plain[1] < _MOST_SQUARE))
  inner, squares, sizes = tf.unstack(
    tf.cond(fits, lambda: plain, add_up_scaled)
  )
  return inner, tf.sqrt(squares), sizes


def _other_than_zero(
  keys: tf.Tensor, mask: tf.Tensor, least: tf.Tensor, count: tf.Tensor
) -> tf.Tensor:
  """Counts what is marked and not 0, int32 [r]; `least` is the lowest key."""
  return tf.cond(
    tf.reduce_all(least > 0),
    lambda: tf.fill([columns.num_rows(keys)], count),
    lambda: tf.math.count_nonzero(mask & (keys > 0), axis=1, dtype=tf.int32),
  )
