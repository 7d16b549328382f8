"""The largest scale that an oracle allows, by halving steps."""

from typing import Callable

import tensorflow as tf

# Of the start: smaller scales are none.
_LEAST = 2.0**-80


def largest_scale(
  is_allowed: Callable[[tf.Tensor], tf.Tensor],
  *,
  initial: float,
  tolerance: float,
) -> tf.Tensor:
  """Searches the largest scale that an oracle allows, in (0, 2 * initial).

  From `gamma = initial` with `step = initial`: where gamma is allowed it is
  kept and raised by step / 2, else lowered by step / 2; step halves; until
  the step is within the tolerance: the largest scale is then at most two steps
  above the one kept. This is the terminating form of the authors' code; moves
  that start at a quarter of gamma could never come down to a small one.

  Their tolerance is absolute. Below 1 it is a share of the scale here: where
  updates are small, a scale of 1e-6 is no scale of 0.

  Args:
    is_allowed: `gamma float64 -> bool`; true up to some scale, then false.
    initial: where the search starts, > 0.
    tolerance: > 0; absolute, and relative to a scale below 1.

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
    lambda gamma, step, best: (
      (step > tolerance * tf.minimum(best, 1.0)) & (step > initial * _LEAST)
    ),
    step,
    (start, start, tf.zeros([], tf.float64)),
  )[2]
