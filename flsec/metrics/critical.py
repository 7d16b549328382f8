"""When a run gets good enough, and what it sent until then."""

from typing import Optional

import numpy as np
from numpy.typing import ArrayLike

BITS_A_VALUE = 32
BITS_A_MIB = 8 * 2**20


def critical_round(
  rounds: ArrayLike, accuracy: ArrayLike, critical_accuracy: float
) -> Optional[int]:
  """Returns the first evaluated round that is good enough; None if none is.

  Args:
    rounds: int [t], evaluated rounds, ascending.
    accuracy: float [t], test accuracy at each.
    critical_accuracy: what is good enough (FedER: 0.9 on digits, 0.8 on
      Fashion-MNIST, 0.7 on CIFAR-10).

  Raises:
    ValueError: if the two differ in length.

  References:
    FedER, section 5.1 (critical round).
  """
  rounds, accuracy = np.asarray(rounds), np.asarray(accuracy)
  if rounds.shape != accuracy.shape:
    raise ValueError(
      'critical_round needs one accuracy a round; got '
      f'{accuracy.shape} values and {rounds.shape} rounds.'
    )
  reached = rounds[accuracy >= critical_accuracy]
  return int(reached[0]) if len(reached) else None


def round_volume_mib(
  dimension: int, keep_fraction: Optional[float] = None
) -> float:
  """Returns what one client sends and receives in one round, in MiB (2^20).

  Without pruning 2 * 32 d bits: d float32 values each way. With a kept share q
  = 1 - p, 2 * (32 q d + d) bits: the kept values and a mask of one bit a value.

  Args:
    dimension: d, entries of the weight vector.
    keep_fraction: q, in [0, 1]; None: nothing is pruned and no mask is sent.

  Raises:
    ValueError: if a number is out of bounds.

  References:
    FedER, section 5.1 (critical volume).
  """
  if dimension < 1:
    raise ValueError(f'dimension must be at least 1; got {dimension}.')
  if keep_fraction is None:
    return 2 * BITS_A_VALUE * dimension / BITS_A_MIB
  if not 0 <= keep_fraction <= 1:
    raise ValueError(f'keep_fraction must be in [0, 1]; got {keep_fraction}.')
  bits = 2 * (keep_fraction * dimension * BITS_A_VALUE + dimension)
  return bits / BITS_A_MIB


def critical_volume_mib(
  dimension: int,
  last_round: Optional[int],
  keep_fractions: Optional[ArrayLike] = None,
) -> Optional[float]:
  """Returns what one client has sent and received by the critical round, MiB.

  Args:
    dimension: d, entries of the weight vector.
    last_round: the critical round; None gives None (never reached).
    keep_fractions: the kept share q of every round, float [>= last_round], or
      one number for all rounds; None: nothing is pruned.

  Raises:
    ValueError: if there are fewer shares than rounds, or one is out of bounds.
  """
  if last_round is None:
    return None
  if keep_fractions is None:
    return last_round * round_volume_mib(dimension)
  if np.ndim(keep_fractions) == 0:
    return last_round * round_volume_mib(dimension, float(keep_fractions))
  shares = np.asarray(keep_fractions, np.float64)
  if len(shares) < last_round:
    raise ValueError(
      f'critical_volume_mib needs the kept share of each of {last_round} '
      f'rounds; got {len(shares)}.'
    )
  return sum(round_volume_mib(dimension, q) for q in shares[:last_round])
