"""Picks the units to prune from their scores, lowest first."""

from typing import Optional

import tensorflow as tf

# Fills the places for which no unit was left.
NONE = -1
_INFINITE = float('inf')


def smallest_units(
  scores: tf.Tensor, is_eligible: tf.Tensor, count: int
) -> tuple[tf.Tensor, tf.Tensor]:
  """Picks the units of lowest score; ties go to the lowest index.

  At least one eligible unit is left, so that no layer is cut off. A unit whose
  score is not finite is not picked.

  Args:
    scores: float64 [n].
    is_eligible: bool [n], False for units that are dead already.
    count: k, how many to pick at most.

  Returns:
    units int32 [min(k, n)], `NONE` where none was left; their scores float32.
  """
  eligible = tf.logical_and(is_eligible, tf.math.is_finite(scores))
  masked = tf.where(eligible, scores, _INFINITE)
  order = tf.argsort(masked, stable=True)[:count]
  left = tf.reduce_sum(tf.cast(eligible, tf.int32)) - 1
  picked = tf.range(tf.shape(order)[0]) < left
  chosen = tf.gather(scores, order)
  return tf.where(picked, order, NONE), _recorded(picked, chosen)


def match_pairs(
  scores: tf.Tensor,
  tie_breaks: tf.Tensor,
  is_eligible: tf.Tensor,
  count: int,
  *,
  may_keep: Optional[tf.Tensor] = None,
  skip_first: bool = False,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
  """Picks disjoint pairs (a kept, b removed), ascending by score.

  Pairs are walked by score, equal ones by `tie_breaks`, then by (a, b); a pair
  is taken if neither of its units is in an earlier one.

  Args:
    scores: float64 [n, n], of the ordered pair (a, b).
    tie_breaks: float64 [n, n].
    is_eligible: bool [n], False for units that are in no pair.
    count: k, how many pairs to pick at most; n // 2 are disjoint.
    may_keep: bool [n], False for units that take over from nobody; None: all
      may.
    skip_first: pass over the lowest pair of all, as the released code does.

  Returns:
    removed int32 [k], partners int32 [k] (`NONE` where no pair was left), and
    scores float32 [k], with k = min(count, n // 2).
  """
  size = scores.shape[0]
  count = min(count, size // 2)
  off_diagonal = tf.logical_not(tf.eye(size, dtype=tf.bool))
  if may_keep is not None:
    off_diagonal = tf.logical_and(off_diagonal, may_keep[:, None])

  def lowest(free: tf.Tensor, allowed: tf.Tensor) -> tuple[tf.Tensor, ...]:
    allowed &= free[:, None] & free[None, :]
    return _lowest(tf.where(allowed, scores, _INFINITE), tie_breaks)

  allowed = off_diagonal
  if skip_first:
    first, _ = lowest(is_eligible, off_diagonal)
    positions = tf.reshape(tf.range(size * size), [size, size])
    allowed = tf.logical_and(allowed, tf.not_equal(positions, first))

  def pick(
    index: tf.Tensor, free: tf.Tensor, pairs: tf.Tensor, found: tf.Tensor
  ) -> tuple[tf.Tensor, ...]:
    pair, score = lowest(free, allowed)
    is_found = tf.math.is_finite(score)
    units = tf.where(is_found, tf.stack([pair % size, pair // size]), NONE)
    hit = tf.reduce_any(tf.one_hot(units, size, True, False), axis=0)
    value = tf.where(is_found, tf.cast(score, tf.float32), 0.0)
    return (
      index + 1,
      tf.logical_and(free, tf.logical_not(hit)),
      tf.tensor_scatter_nd_update(pairs, [[index]], [units]),
      tf.tensor_scatter_nd_update(found, [[index]], [value]),
    )

  start = (0, is_eligible, tf.fill([count, 2], NONE), tf.zeros([count]))
  _, _, pairs, found = tf.while_loop(
    lambda index, *_: index < count, pick, start, maximum_iterations=count
  )
  return pairs[:, 0], pairs[:, 1], found


def _lowest(
  scores: tf.Tensor, tie_breaks: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns the row-major index of the lowest pair, and its score."""
  best = tf.reduce_min(scores)
  tied = tf.where(tf.equal(scores, best), tie_breaks, _INFINITE)
  # The first of equals is spelt out: not every device's argmin promises it.
  is_best = tf.reshape(tf.equal(tied, tf.reduce_min(tied)), [-1])
  positions = tf.range(tf.size(scores))
  return tf.reduce_min(tf.where(is_best, positions, positions[-1])), best


def _recorded(is_picked: tf.Tensor, scores: tf.Tensor) -> tf.Tensor:
  return tf.where(is_picked, tf.cast(scores, tf.float32), 0.0)
