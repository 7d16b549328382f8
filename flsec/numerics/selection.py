"""Choosing clients by score, and the mean of the chosen ones."""

import tensorflow as tf

from flsec.numerics import backend, columns, scaled_sums


def smallest(scores: tf.Tensor, count: columns.Count) -> tf.Tensor:
  """Returns the `count` indices of smallest score, int32, best first.

  Ties go to the lowest index: clients are ordered by id.

  Args:
    scores: float [n].
    count: how many, at most n.
  """
  return tf.argsort(scores, stable=True)[:count]


def largest(scores: tf.Tensor, count: columns.Count) -> tf.Tensor:
  """Returns the `count` indices of largest score; ties as in `smallest`."""
  return smallest(-scores, count)


def are_largest(scores: tf.Tensor, count: columns.Count) -> tf.Tensor:
  """Tells which scores are the `count` largest; ties as in `smallest`.

  On a CPU nothing is sorted.

  Args:
    scores: float [n]; NaN is below all others.
    count: how many, at most n.

  Returns:
    bool [n], as many true.
  """
  size = tf.size(scores)
  lowest = tf.constant(float('-inf'), scores.dtype)
  scores = tf.where(tf.math.is_nan(scores), lowest, scores)
  if backend.is_compiled() or backend.has_accelerator():
    places = tf.math.top_k(scores, count).indices
    return tf.scatter_nd(places[:, None], tf.ones_like(places), [size]) > 0
  last = tf.raw_ops.NthElement(
    input=scores, n=tf.maximum(count - 1, 0), reverse=True
  )
  is_larger = scores > last
  is_last = tf.equal(scores, last)
  room = count - tf.reduce_sum(tf.cast(is_larger, tf.int32))
  is_early = tf.cumsum(tf.cast(is_last, tf.int32)) <= room
  return is_larger | (is_last & is_early)


def members(indices: tf.Tensor, num_clients: columns.Count) -> tf.Tensor:
  """Returns float32 [n]: 1 at the given distinct indices, 0 elsewhere."""
  ones = tf.ones_like(indices, tf.float32)
  return tf.scatter_nd(indices[:, None], ones, [num_clients])


def equal_shares(mask: tf.Tensor) -> tf.Tensor:
  """Turns a 0/1 mask [n] into shares that sum to 1; all 0 where it is empty."""
  return tf.math.divide_no_nan(mask, tf.reduce_sum(mask))


def weighted_sum(coefficients: tf.Tensor, updates: tf.Tensor) -> tf.Tensor:
  """Returns `sum_i c_i x_i`, float32 [d], in one pass over the stack.

  Args:
    coefficients: float [n].
    updates: float32 [n, d], finite: 0 times infinity is not 0.
  """
  return weighted_sums(coefficients[None, :], updates)[0]


def weighted_sums(coefficients: tf.Tensor, updates: tf.Tensor) -> tf.Tensor:
  """Returns `sum_i c_ki x_i`, float32 [m, d], in one pass over the stack.

  Args:
    coefficients: float [m, n].
    updates: float32 [n, d], finite: 0 times infinity is not 0.
  """
  half = tf.constant(scaled_sums.HALF, updates.dtype)
  halves = tf.matmul(tf.cast(coefficients, updates.dtype) * half, updates)
  return scaled_sums.undo(halves, half)
