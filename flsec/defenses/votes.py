"""Which channels clients find dormant: reports, and the votes over them.

A client measures a_c, the mean over its images of the sum of channel c's
activations over all positions, and sends no more of it than their order.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from flsec import seeds

TIES = ('lowest', 'seeded')


def ranks(activations: tf.Tensor) -> tf.Tensor:
  """Returns a client's ranking, int32 [C]: 1 for the least active channel.

  Equal activations are ranked by channel, the lowest first.

  Args:
    activations: float32 [C], a_c.

  References:
    Wu et al., "Mitigating backdoor attacks in federated learning", 2020,
    section IV-A.
  """
  order = tf.argsort(activations, stable=True)
  return tf.argsort(order, stable=True) + 1


def bits(activations: tf.Tensor, share: float) -> tf.Tensor:
  """Returns a client's mask, int32 [C]: 0 for a channel to prune, else 1.

  The `num_dormant(share, C)` least active channels get a 0; of equally active
  ones the lowest channel first.

  Args:
    activations: float32 [C], a_c.
    share: p.

  References:
    Wu et al., section IV-B.
  """
  count = num_dormant(share, activations.shape[0])
  return tf.cast(ranks(activations) > count, tf.int32)


def num_dormant(share: float, num_channels: int) -> int:
  """Returns floor(share * num_channels), of the decimal that was written."""
  # In binary 0.29 * 100 is a little below 29.
  return int(np.floor(round(share * num_channels, 9)))


def are_ranks(report: tf.Tensor) -> tf.Tensor:
  """Tells whether int32 [C] is a permutation of 1 to C (bool scalar)."""
  wanted = tf.range(1, report.shape[0] + 1, dtype=report.dtype)
  return tf.reduce_all(tf.equal(tf.sort(report), wanted))


def are_bits(report: tf.Tensor) -> tf.Tensor:
  """Tells whether int32 [C] holds nothing but 0 and 1 (bool scalar)."""
  return tf.reduce_all(tf.logical_or(tf.equal(report, 0), tf.equal(report, 1)))


class Order(NamedTuple):
  """Channels in the order in which they are pruned.

  Attributes:
    channels: int64 [C], the most dormant first.
    tied: how many channels share their vote with another one.
    largest_tie: how many share one and the same vote, 0 where none does.
  """

  channels: np.ndarray
  tied: int
  largest_tie: int


def ranking_vote(
  rank_sums: np.ndarray, *, ties: str = 'lowest', seed: int = 0
) -> Order:
  """Orders channels by their mean rank, the most dormant first.

  R_c = (1/n) sum_i R_c^i, ascending: rank 1 is the least active channel of a
  client. (The paper's "decreasing order of the global dormant ranking" counts
  dormancy.) Sums stand for means: they order alike, and exactly.

  Args:
    rank_sums: int [C], the valid rankings added up.
    ties: 'lowest': the lower channel first; 'seeded': in an order drawn from
      `seed`.
    seed: the experiment's.

  References:
    Wu et al., section IV-A.
  """
  return _ascending(rank_sums, ties, seed)


def majority_vote(
  bit_sums: np.ndarray, *, ties: str = 'lowest', seed: int = 0
) -> Order:
  """Orders channels by how many clients want to keep them, fewest first.

  Ties are the rule here, since votes are counts of clients; see `Order`.

  Args:
    bit_sums: int [C], the valid masks added up (1: keep).
    ties, seed: as in `ranking_vote`.

  References:
    Wu et al., section IV-B.
  """
  return _ascending(bit_sums, ties, seed)


def _ascending(sums: np.ndarray, ties: str, seed: int) -> Order:
  sums = np.asarray(sums)
  places = np.arange(len(sums))
  if ties == 'seeded':
    places = seeds.generator(seed, 'ties of votes').permutation(len(sums))
  # `places` decides within equal sums.
  channels = np.lexsort((places, sums))
  counts = np.unique(sums, return_counts=True)[1]
  shared = counts[counts > 1]
  return Order(channels, int(shared.sum()), int(shared.max(initial=0)))
