"""Minimum-diameter averaging: the tightest n - f updates."""

import itertools
import math

import numpy as np
import tensorflow as tf

from flsec import registry
from flsec.aggregators.rule import (
  Measurements,
  Rule,
  ServerContext,
  check_num_byzantine,
  stateless,
)
from flsec.numerics import columns, gram, selection

MAX_SUBSETS = 200_000
# A block of subsets, and its distances: 32 MB in float64 at most.
_SUBSETS_A_BLOCK = 1024
_BLOCK_ENTRIES = 4_000_000


@registry.aggregator('minimum_diameter', paper='El Mhamdi et al., ICML 2018')
def minimum_diameter(*, num_byzantine: int) -> Rule:
  """Mean of the n - f updates whose largest distance is smallest (small n).

  All subsets of n - f clients are tried. Several often share their two farthest
  members: then the one with the least sum of squared distances is taken, then
  the first in lexicographic order. Unweighted.

  Args:
    num_byzantine: f; needs n > 2 f clients, and n over f at most 200,000.

  Raises:
    ValueError: num_byzantine is negative, or, once n is known, there are too
      many subsets.

  References:
    Rousseeuw. Multivariate estimation with high breakdown point. 1985.
    El Mhamdi et al. The hidden vulnerability of distributed learning in
    Byzantium. ICML 2018, Section 3 (as the Brute aggregation rule).
  """
  check_num_byzantine('minimum_diameter', num_byzantine)

  def aggregate(
    updates: tf.Tensor, weights: tf.Tensor, context: ServerContext
  ) -> tuple[tf.Tensor, Measurements]:
    del weights, context
    rows = columns.num_rows(updates)
    distances = gram.squared_distances(updates)
    if isinstance(rows, int):
      subsets = tf.constant(_subsets(rows, num_byzantine))
    else:
      subsets = _subsets_of_unknown(rows, num_byzantine)
    diameters, sums = _sizes(distances, subsets)
    is_tightest = diameters <= tf.reduce_min(diameters)
    best = selection.smallest(tf.where(is_tightest, sums, sums.dtype.max), 1)[0]
    shares = selection.equal_shares(
      tf.cast(tf.gather(subsets, best), tf.float32)
    )
    return selection.weighted_sum(shares, updates), {'selected': shares}

  return stateless(
    f'minimum_diameter({num_byzantine=})',
    aggregate,
    minimum_clients=2 * num_byzantine + 1,
    requirement=f'n > 2 f with f = num_byzantine = {num_byzantine}',
    selects_rows=True,
  )


def _subsets(rows: int, num_byzantine: int) -> np.ndarray:
  """Returns bool [s, n], every choice of n - f clients, in lexical order."""
  count = math.comb(rows, num_byzantine)
  if count > MAX_SUBSETS:
    raise ValueError(
      f'minimum_diameter tries every choice of n - f clients: n={rows}, '
      f'f={num_byzantine} has {count:,}, at most {MAX_SUBSETS:,} are allowed. '
      'Use krum or bulyan, or fewer clients a round.'
    )
  chosen = np.array(
    list(itertools.combinations(range(rows), rows - num_byzantine))
  )
  subsets = np.zeros((count, rows), bool)
  np.put_along_axis(subsets, chosen, True, axis=1)
  return subsets


def _subsets_of_unknown(rows: tf.Tensor, num_byzantine: int) -> tf.Tensor:
  """Does the same where n is only known when the graph runs."""
  excluded = tf.zeros([1, 0], tf.int32)  # [s, clients excluded so far]
  for size in range(num_byzantine):
    old = tf.repeat(excluded, rows, axis=0)
    new = tf.tile(tf.range(rows), [tf.shape(excluded)[0]])
    is_next = new > (old[:, -1] if size else -1)
    old, new = tf.boolean_mask(old, is_next), tf.boolean_mask(new, is_next)
    check = tf.debugging.assert_less_equal(
      tf.shape(new)[0],
      MAX_SUBSETS,
      'minimum_diameter: too many choices of n - f clients.',
    )
    with tf.control_dependencies([check]):
      excluded = tf.concat([old, new[:, None]], axis=1)
  is_out = tf.reduce_sum(tf.one_hot(excluded, rows, dtype=tf.int32), axis=1)
  # Excluding the last clients first is including the first ones first.
  return tf.reverse(is_out == 0, [0])


def _sizes(
  distances: tf.Tensor, subsets: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns the largest and the added distances in each subset, float64 [s]."""
  count = columns.num_rows(subsets)
  # Where n is unknown, assume a usual federation.
  fitting = max(1, _BLOCK_ENTRIES // (subsets.shape[1] or 100) ** 2)
  size = min(_SUBSETS_A_BLOCK, fitting)

  def block(start: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    index = tf.minimum(start + tf.range(size), count - 1)
    member = tf.gather(subsets, index)  # [b, n]
    pairs = member[:, :, None] & member[:, None, :]
    within = tf.where(pairs, distances, 0.0)  # [b, n, n]
    return tf.reduce_max(within, axis=[1, 2]), tf.reduce_sum(within, [1, 2])

  signature = tf.TensorSpec([size], tf.float64)
  largest, added = tf.map_fn(
    block,
    tf.range(0, count, size),
    fn_output_signature=(signature, signature),
    parallel_iterations=2,
  )
  return tf.reshape(largest, [-1])[:count], tf.reshape(added, [-1])[:count]
