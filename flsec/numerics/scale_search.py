"""The largest scale that an oracle allows, by halving steps."""

from typing import Callable

import tensorflow as tf


def largest_scale(
  is_allowed: Callable[[tf.Tensor], tf.Tensor],
  *,
  initial: float,
  tolerance: float,
) -> tf.Tensor:
  """Searches the largest scale that an oracle allows, in (0, 2 * initial).

  From `gamma = initial` with `step = initial`: where gamma is allowed it is
  kept and raised by step / 2, else lowered by step / 2; step halves; until
  gamma is within the tolerance of the scale kept. This is the terminating form
  of the authors' code; moves that start at a quarter of gamma could never come
  down to a small one.

  Args:
    is_allowed: `gamma float64 -> bool`; true up to some scale, then false.
    initial: where the search starts, > 0.
    tolerance: absolute, > 0.

  Returns:
    float64 scalar, allowed; 0 if nothing within reach is.

  References:
    Shejwalkar and Houmansadr, NDSS 2021, Algorithm 1.
  """

  def step(gamma, increment, best):
    allowed = is_allowed(gamma)
    half = increment / 2
    best = tf.where(allowed, gamma, best)
    return gamma + tf.where(allowed, half, -half), half, best

  start = tf.constant(initial, tf.float64)
  return tf.while_loop(
    lambda gamma, _, best: tf.abs(best - gamma) > tolerance,
    step,
    (start, start, tf.zeros([], tf.float64)),
  )[2]
