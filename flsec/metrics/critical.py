"""When a run gets good enough, and what a client had sent by then."""

import math
from typing import Optional

import numpy as np
from numpy.typing import ArrayLike


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
    Jiang et al. FedER. 2023, appendix E.3 (critical round).
  """
  rounds, accuracy = np.asarray(rounds), np.asarray(accuracy)
  if rounds.shape != accuracy.shape:
    raise ValueError(
      'critical_round needs one accuracy a round; got '
      f'{accuracy.shape} values and {rounds.shape} rounds.'
    )
  reached = rounds[accuracy >= critical_accuracy]
  return int(reached[0]) if len(reached) else None


def critical_volume(
  volumes: ArrayLike, last_round: Optional[int]
) -> Optional[float]:
  """Returns what has been sent by the critical round, that round included.

  The paper's words are "sent and received by the server in the critical round",
  "the sum of communication volume among clients". Its numbers are those of one
  client, in all rounds up to then.

  Args:
    volumes: float [>= last_round], of every round from the first, tested or
      not, such as `communication.round_volume_mib`.
    last_round: the critical round; None gives None (never reached).

  Raises:
    ValueError: if there are fewer volumes than rounds.

  References:
    Jiang et al. FedER. 2023, appendix E.3 (critical volume).
  """
  if last_round is None:
    return None
  volumes = np.asarray(volumes, np.float64)
  if len(volumes) < last_round:
    raise ValueError(
      f'critical_volume needs the volume of each of {last_round} rounds; got '
      f'{len(volumes)}.'
    )
  return math.fsum(volumes[:last_round])
