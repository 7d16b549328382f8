"""Propagated impact of removing a unit in favour of another one.

Moving the outgoing weights A_b of unit b to unit a changes the consumer by
`A_b * (h_a - h_b)`, and h_a - h_b lies in D = [low_a - high_b, high_a - low_b].
The change is pushed to the logits by linear interval arithmetic without biases;
an activation on the way widens it to the hull with 0, which holds for every
monotone activation of slope at most 1 (for GELU, SELU and swish, whose slopes
reach 1.13, nearly).

All ordered pairs are scored at once. The bounds of output i are linear in the
ends of D, with coefficients that depend on b alone:

  high[i] = r P[b, i] + f N[b, i],   low[i] = -(f P[b, i] + r N[b, i]),

with D = [-f, r] and (P, N) the positive and negative parts of row b, pushed
through the positive and negative parts of the kernels behind it. So a layer of
n units costs O(n^2 classes^2), whatever lies behind it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from flsec.pruning.intervals import Interval

# Entries of one chunk of similarities: small enough for the cache.
_CHUNK_ENTRIES = 1 << 18
# Scores closer than this tie: their difference is rounding error of the sums.
_TIE = 1e-12


class Impact(NamedTuple):
  """Scores of all ordered pairs (a kept, b removed), float64 [n, n].

  Attributes:
    score: `l1_weight * sigmoid(L) + entropy_weight * sigmoid(ENT)`.
    norm: L. The sigmoid saturates (at 1 - 1e-12 for L > 27), so that pairs of
      wide layers tie in their score; L then tells them apart.
  """

  score: tf.Tensor
  norm: tf.Tensor


def impact(
  units: Interval,
  outgoing: tf.Tensor,
  kernels: Sequence[tf.Tensor],
  *,
  passes_activation: bool,
  l1_weight: float,
  entropy_weight: float,
  similarity_threshold: float,
) -> Impact:
  """Scores every ordered pair of units of a dense layer.

  `L = sum_i (high[i] - low[i])` over the logits. `ENT = -sum_i p_i ln p_i` with
  p_i the share of logits j whose change is similar to that of logit i:
  `1 - (|low_i - low_j| + |high_i - high_j|) / (2 width) >= threshold`, width
  that of the union of all changes and 0. Lower is better.

  Args:
    units: bounds of the layer's units, float64 [n].
    outgoing: float64 [n, next_units], the consumer's kernel.
    kernels: float64 kernels of the dense layers behind the consumer.
    passes_activation: whether an activation lies between the consumer and the
      logits; where the consumer makes the logits, none does.
    l1_weight: weight of sigmoid(L).
    entropy_weight: weight of sigmoid(ENT).
    similarity_threshold: similarity from which two changes count as alike.

  References:
    Meng et al., ICICS 2023, section 4.2; Meng et al., arXiv 2204.00783, 2022.
  """
  rise = units.high[:, None] - units.low  # [n, n]
  fall = units.high - units.low[:, None]
  if passes_activation:
    rise, fall = tf.nn.relu(rise), tf.nn.relu(fall)
  positive, negative = _propagate(outgoing, kernels)
  norm = (rise + fall) * tf.reduce_sum(positive + negative, axis=1)
  entropy = _entropies(rise, fall, positive, negative, similarity_threshold)
  score = l1_weight * tf.sigmoid(norm) + entropy_weight * tf.sigmoid(entropy)
  return Impact(tf.round(score / _TIE) * _TIE, norm)


def _propagate(
  outgoing: tf.Tensor, kernels: Sequence[tf.Tensor]
) -> tuple[tf.Tensor, tf.Tensor]:
  """Pushes each unit's outgoing row to the logits: (P, N) [n, classes]."""
  positive, negative = tf.nn.relu(outgoing), tf.nn.relu(-outgoing)
  for kernel in kernels:
    rising, falling = tf.nn.relu(kernel), tf.nn.relu(-kernel)
    positive, negative = (
      positive @ rising + negative @ falling,
      negative @ rising + positive @ falling,
    )
  return positive, negative


def _entropies(
  rise: tf.Tensor,
  fall: tf.Tensor,
  positive: tf.Tensor,
  negative: tf.Tensor,
  threshold: float,
) -> tf.Tensor:
  """Returns ENT of every pair, float64 [n, n], a chunk of rows at a time."""
  num_units, num_classes = positive.shape
  pairs = num_classes * (num_classes - 1) // 2
  rows = min(num_units, max(1, _CHUNK_ENTRIES // (num_units * max(1, pairs))))
  chunks = -(-num_units // rows)
  padding = [[0, chunks * rows - num_units], [0, 0]]
  shape = [chunks, rows, num_units]
  ends = [tf.reshape(tf.pad(end, padding), shape) for end in (rise, fall)]
  sides = tf.transpose(positive), tf.transpose(negative)  # [classes, n]
  entropies = tf.map_fn(
    lambda chunk: _chunk_entropies(*chunk, *sides, threshold),
    tuple(ends),
    fn_output_signature=tf.TensorSpec([rows, num_units], tf.float64),
  )
  return tf.reshape(entropies, [chunks * rows, num_units])[:num_units]


def _chunk_entropies(
  rise: tf.Tensor,
  fall: tf.Tensor,
  positive: tf.Tensor,
  negative: tf.Tensor,
  threshold: float,
) -> tf.Tensor:
  """Returns ENT [rows, n] of the pairs of some rows.

  With u, v the differences of P and N between two logits, the ends differ by
  x = f u + r v and y = r u + f v, and |x| + |y| = max(|x + y|, |x - y|) =
  max((r + f) |u + v|, |r - f| |u - v|): two comparisons per pair of logits.
  """
  num_classes = positive.shape[0]
  first, second = np.triu_indices(num_classes, k=1)
  sums, gaps = rise + fall, tf.abs(rise - fall)
  # A relative allowance keeps equal changes alike in spite of rounding.
  width = _union_width(rise, fall, positive, negative) * (1.0 + _TIE)
  limit = 2.0 * (1.0 - threshold) * width  # [rows, n]
  u = tf.gather(positive, first) - tf.gather(positive, second)
  v = tf.gather(negative, first) - tf.gather(negative, second)  # [pairs, n]
  alike = tf.logical_and(
    tf.abs(u + v)[:, None, :] <= _bound(limit, sums),
    tf.abs(u - v)[:, None, :] <= _bound(limit, gaps),
  )  # [pairs, rows, n]
  member = np.zeros([num_classes, first.size], np.float32)
  member[first, np.arange(first.size)] = 1.0
  member[second, np.arange(second.size)] = 1.0
  flat = tf.reshape(tf.cast(alike, tf.float32), [first.size, -1])
  counts = 1 + tf.cast(tf.constant(member) @ flat, tf.int32)  # [classes, ...]
  shares = np.arange(1, num_classes + 1) / num_classes
  terms = tf.constant(np.append(0.0, -shares * np.log(shares)), tf.float64)
  entropy = tf.reduce_sum(tf.gather(terms, counts), axis=0)
  return tf.reshape(entropy, tf.shape(rise))


def _bound(limit: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
  """Returns limit / factor, infinite where the factor is 0."""
  infinite = tf.constant(np.inf, tf.float64)
  positive = factor > 0.0
  return tf.where(positive, limit / tf.where(positive, factor, 1.0), infinite)


def _union_width(
  rise: tf.Tensor, fall: tf.Tensor, positive: tf.Tensor, negative: tf.Tensor
) -> tf.Tensor:
  """Returns the width [rows, n] of the union of all changes and 0."""
  positive, negative = positive[:, None, :], negative[:, None, :]
  high = tf.reduce_max(rise * positive + fall * negative, axis=0)
  low = tf.reduce_max(fall * positive + rise * negative, axis=0)
  return tf.nn.relu(high) + tf.nn.relu(low)
