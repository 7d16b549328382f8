"""Krum scores of crafted rows from inner products, for Fang's lambda search."""

import dataclasses
from typing import Optional

import tensorflow as tf

from flsec.attacks.updates import distance_search
from flsec.numerics import columns, gram, moments


@dataclasses.dataclass(frozen=True)
class KrumView:
  """What the search knows of r rows and the direction `s = sign(mean)`.

  Attributes:
    direction: [d], s, of entries -1, 0 and 1.
    direction_square: float64 scalar, |s|^2.
    along: float64 [r], <b_i, s>.
    norms: float64 [r], |b_i|^2.
    sums: float64 [r, r + 1]; sums[i, j] adds up the j smallest squared
      distances from row i to other rows (infinite for j = r).
    ordered: float64 [r, r], those distances, ascending; the last is infinite.
    num_neighbors: int32 scalar, n - c - 2 neighbours of r = n - c rows, at
      least 1.
  """

  direction: tf.Tensor
  direction_square: tf.Tensor
  along: tf.Tensor
  norms: tf.Tensor
  sums: tf.Tensor
  ordered: tf.Tensor
  num_neighbors: tf.Tensor


def view(rows: tf.Tensor, away_from: Optional[tf.Tensor] = None) -> KrumView:
  """Takes the inner products of a stack [r, d] in one pass.

  Args:
    rows: float32 [r, d].
    away_from: float32 [d], whose sign is the direction; None: the mean's.
  """

  def visit(
    block: tf.Tensor, *given: tf.Tensor
  ) -> tuple[columns.Tensors, columns.Tensors]:
    mean, deviations, _ = moments.centred(block)
    sign = tf.sign(given[0] if given else mean)
    along = tf.linalg.matvec(block, sign)
    squares = tf.reduce_sum(tf.square(block), axis=1)
    return (sign,), (
      gram.block_products(deviations),
      tf.cast(along, tf.float64),
      tf.cast(squares, tf.float64),
    )

  count = columns.num_rows(rows)
  beside = () if away_from is None else (away_from,)
  each = tf.zeros([count], tf.float64)
  pairs = tf.zeros([count, count], tf.float64)
  sign, products, along, norms = columns.ask(
    rows, columns.Asker(visit, (rows.dtype,), (pairs, each, each), beside)
  )
  distances = gram.distances_between(products)
  infinite = tf.fill(tf.shape(along), tf.constant(float('inf'), tf.float64))
  ordered = tf.sort(tf.linalg.set_diag(distances, infinite), axis=1)
  return KrumView(
    direction=sign,
    direction_square=distance_search.squared_norm(sign),
    along=along,
    norms=norms,
    sums=_running_sums(ordered),
    ordered=ordered,
    num_neighbors=tf.maximum(tf.shape(along)[0] - 2, 1),
  )


def krum_pick(rows: tf.Tensor, num_byzantine: tf.Tensor) -> tf.Tensor:
  """Returns the row [d] of [n, d] that Krum picks, n - f - 2 neighbours.

  Squared distances; at least one neighbour; ties go to the lowest row.
  """
  distances = gram.squared_distances(rows)
  count = tf.shape(distances)[0]
  # Its own distance, 0, comes first.
  sums = _running_sums(tf.sort(distances, axis=1))
  neighbors = tf.maximum(count - num_byzantine - 2, 1)
  neighbors = tf.minimum(neighbors, count - 1)
  return tf.gather(rows, tf.argmin(tf.gather(sums, neighbors + 1, axis=1)))


def largest_lambda(
  known: KrumView, num_crafted: tf.Tensor, dimension: tf.Tensor
) -> tf.Tensor:
  """Returns the upper bound on lambda, float64.

  `min_i sum_{l near i} D(b_i, b_l) / ((r - c - 1) sqrt(d))
  + max_i D(b_i, 0) / sqrt(d)` with r = n - c rows, c crafted ones and
  unsquared distances D; where r - c - 1 < 1 it does not hold and
  `10 * mean_i D(b_i, 0)` is taken.
  """
  root = tf.sqrt(tf.cast(dimension, tf.float64))
  num_rows = tf.shape(known.along)[0]
  room = tf.cast(num_rows - num_crafted - 1, tf.float64)
  reach = _running_sums(tf.sqrt(known.ordered))
  nearest = tf.gather(
    reach, tf.minimum(known.num_neighbors, num_rows - 1), axis=1
  )
  norms = tf.sqrt(known.norms)
  bound = tf.reduce_min(nearest) / (tf.maximum(room, 1) * root)
  bound += tf.reduce_max(norms) / root
  return tf.where(room >= 1, bound, 10 * tf.reduce_mean(norms))


def is_selected(
  known: KrumView, size: tf.Tensor, num_crafted: tf.Tensor
) -> tf.Tensor:
  """Says whether Krum picks a crafted row `-size * s` sent `num_crafted` times.

  Scores are sums of squared distances to the nearest n - c - 2 other rows; a
  crafted row must win strictly, since ties go by client id.
  """
  neighbors = known.num_neighbors
  # |-size s - b_i|^2.
  distances = known.norms + 2 * size * known.along
  distances = tf.maximum(distances + size**2 * known.direction_square, 0)  # [r]
  nearest = _running_sums(tf.sort(distances)[None, :])[0]
  num_rows = tf.shape(distances)[0]
  # Its copies are at distance 0.
  crafted_score = nearest[
    tf.clip_by_value(neighbors - (num_crafted - 1), 0, num_rows)
  ]
  # Merging the copies into a row's ordered distances: those below go first.
  below = tf.math.count_nonzero(
    known.ordered < distances[:, None], axis=1, dtype=tf.int32
  )
  copies = tf.clip_by_value(neighbors - below, 0, num_crafted)  # [r]
  others = tf.gather(known.sums, neighbors - copies, axis=1, batch_dims=1)
  scores = others + tf.cast(copies, tf.float64) * distances
  return crafted_score < tf.reduce_min(scores)


def _running_sums(ordered: tf.Tensor) -> tf.Tensor:
  """Returns sums of the first 0, 1, ..., k entries, [r, k] -> [r, k + 1]."""
  return tf.pad(tf.cumsum(ordered, axis=1), [[0, 0], [1, 0]])
