"""Divide and conquer: drops the rows that stick out along one direction."""

import math

import tensorflow as tf

from flsec import registry
from flsec.aggregators.rule import (
  Measurements,
  Rule,
  ServerContext,
  check_num_byzantine,
  stateless,
)
from flsec.numerics import columns, selection
from flsec.numerics.random_order import random_order


@registry.aggregator('dnc', paper='Shejwalkar and Houmansadr, NDSS 2021')
def dnc(
  *,
  num_byzantine: int,
  num_iterations: int = 1,
  num_coordinates: int = 10000,
  filter_factor: float = 1.0,
) -> Rule:
  """Mean of the updates that are no outliers along the main direction.

  In each iteration b random coordinates are drawn, the rows are centred at
  their mean, and with v the top right singular vector the scores are
  `s_i = <x_i - mean, v>^2`; the n - floor(c f) lowest stay, ties to the lowest
  client. The result is the mean of the rows that stay in every iteration; the
  zero update if there are none. Unweighted.

  v is not computed: its products with the rows are the top eigenvector of the
  rows' Gram matrix [n, n], times the singular value.

  Args:
    num_byzantine: f; needs n > 2 f clients, and more than c f.
    num_iterations: how often coordinates are drawn; the paper uses 1.
    num_coordinates: b; all where the model has fewer.
    filter_factor: c, how many rows are dropped a malicious one.

  Raises:
    ValueError: an option is out of its range.

  References:
    Shejwalkar, Houmansadr. Manipulating the Byzantine: optimizing model
    poisoning attacks and defenses for federated learning. NDSS 2021, Section
    VI, Algorithm 2.
  """
  check_num_byzantine('dnc', num_byzantine)
  for name, value in (
    ('num_iterations', num_iterations),
    ('num_coordinates', num_coordinates),
  ):
    if value < 1:
      raise ValueError(f'dnc: {name} must be 1 or more; got {value}.')
  if not filter_factor > 0:
    raise ValueError(
      f'dnc: filter_factor must be above 0; got {filter_factor}.'
    )
  dropped = filter_factor * num_byzantine
  if not math.isfinite(dropped):
    raise ValueError(
      f'dnc: filter_factor * num_byzantine must be finite; got '
      f'{filter_factor} * {num_byzantine}.'
    )
  num_dropped = int(dropped + 1e-9)

  def aggregate(
    updates: tf.Tensor, weights: tf.Tensor, context: ServerContext
  ) -> tuple[tf.Tensor, Measurements]:
    del weights
    rows = columns.num_rows(updates)

    def keep(iteration: tf.Tensor) -> tf.Tensor:
      seed = tf.random.experimental.stateless_fold_in(context.seed, iteration)
      drawn = _some_columns(updates, num_coordinates, seed)
      kept = selection.smallest(_outlier_scores(drawn), rows - num_dropped)
      return selection.members(kept, rows)

    masks = tf.map_fn(
      keep,
      tf.range(num_iterations),
      fn_output_signature=tf.TensorSpec([updates.shape[0]], tf.float32),
    )
    shares = selection.equal_shares(tf.reduce_min(masks, axis=0))
    return selection.weighted_sum(shares, updates), {'selected': shares}

  return stateless(
    f'dnc({num_byzantine=}, {num_iterations=})',
    aggregate,
    minimum_clients=max(2 * num_byzantine, num_dropped) + 1,
    requirement=(
      f'n > 2 f and n > filter_factor f with f = num_byzantine = '
      f'{num_byzantine}'
    ),
    needs=frozenset({'seed'}),
    selects_rows=True,
  )


def _some_columns(updates: tf.Tensor, count: int, seed: tf.Tensor) -> tf.Tensor:
  dimension = columns.num_columns(updates)
  if dimension <= count:
    return updates
  return tf.gather(updates, random_order(dimension, seed)[:count], axis=1)


def _outlier_scores(rows: tf.Tensor) -> tf.Tensor:
  """Returns float64 [n], squared lengths along the main direction."""
  rows = tf.cast(rows, tf.float64)
  # The mean of equal rows is not always one of them; a difference is exact.
  rows = rows - rows[:1]
  centred = rows - tf.reduce_mean(rows, axis=0)
  values, vectors = tf.linalg.eigh(
    tf.matmul(centred, centred, transpose_b=True)
  )
  return tf.maximum(values[-1], 0.0) * tf.square(vectors[:, -1])
