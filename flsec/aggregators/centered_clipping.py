"""Centered clipping: the clipped mean around a running centre."""

from typing import Union

import tensorflow as tf

from flsec import registry
from flsec.aggregators.rule import Measurements, Rule, ServerContext, State
from flsec.numerics import columns, gram, selection


@registry.aggregator('centered_clipping', paper='Karimireddy et al., ICML 2021')
def centered_clipping(*, radius: float = 1.0, num_iterations: int = 1) -> Rule:
  """Moves the last round's result by the mean of the clipped differences.

  For `num_iterations` times, from the last result (0 in the first round):
  `v <- v + 1/n sum_i (x_i - v) min(1, tau / ||x_i - v||)`. Unweighted.
  `selected` is `1/n min(1, tau / ||x_i - v||)` of the last iteration; what is
  missing to 1 was clipped away. Neither translation- nor scale-equivariant.

  Args:
    radius: tau, above 0, in the unit of the updates.
    num_iterations: L, 1 or more.

  Raises:
    ValueError: an option is out of its range.

  References:
    Karimireddy, He, Jaggi. Learning from history for Byzantine robust
    optimization. ICML 2021, Equation (CC).
  """
  if not radius > 0:
    raise ValueError(
      f'centered_clipping: radius (tau) must be above 0; got {radius}.'
    )
  if num_iterations < 1:
    raise ValueError(
      'centered_clipping: num_iterations must be 1 or more; got '
      f'{num_iterations}.'
    )

  def next_state(
    state: State,
    updates: tf.Tensor,
    weights: tf.Tensor,
    context: ServerContext,
  ) -> tuple[State, tf.Tensor, Measurements]:
    del weights, context
    rows = tf.cast(columns.num_rows(updates), tf.float64)
    centre = state
    for _ in range(num_iterations):
      squares = gram.squared_distances_to(updates, centre)
      shares = clip_factors(squares, radius) / rows
      stay = tf.cast(1.0 - tf.reduce_sum(shares), tf.float32)
      centre = stay * centre + selection.weighted_sum(shares, updates)
    return centre, centre, {'selected': tf.cast(shares, tf.float32)}

  return Rule(
    f'centered_clipping({radius=}, {num_iterations=})',
    next_state,
    initialize=lambda dimension: tf.zeros([dimension]),
    leaves_out_rows=False,
  )


def clip_factors(
  squared_norms: tf.Tensor, radius: Union[float, tf.Tensor]
) -> tf.Tensor:
  """Returns `min(1, radius / norm)`; 1 where the norm is 0."""
  norms = tf.sqrt(squared_norms)
  radius = tf.cast(radius, norms.dtype)
  return tf.where(norms > radius, radius / tf.maximum(norms, radius), 1.0)
