"""Metrics averaged over the attacked rounds of a run.

A run is a pair of vectors: the rounds at which it was evaluated, ascending, and
the metric at each. Shares are in [0, 1]; multiply by 100 for the papers' %.
"""

from typing import Optional

import numpy as np
from numpy.typing import ArrayLike


def accuracy_loss(
  rounds: ArrayLike,
  clean: ArrayLike,
  attacked: ArrayLike,
  *,
  first_round: int,
  last_round: Optional[int] = None,
) -> float:
  """Returns the accuracy that the attack costs, averaged over its rounds.

  L = (1 / |T|) sum_{t in T} (a_t - a'_t), T the recorded rounds from T0 =
  first_round to T1 = last_round. The paper's equation 1 divides by T1 - T0,
  which is not the number of its terms; here it is the mean. L is negative where
  the attacked run does better.

  The same value is the defence's fidelity (what it costs without an attack)
  when `attacked` is a defended run that nobody attacks.

  Args:
    rounds: int [t], recorded rounds of both runs, ascending.
    clean: float [t], a_t, accuracy of the mean without attack and defence, from
      the same seed.
    attacked: float [t], a'_t, accuracy of the run that is judged.
    first_round: T0, the round in which the attack starts.
    last_round: T1; None: the last recorded one.

  Raises:
    ValueError: if lengths differ or no recorded round is within bounds.

  References:
    "Better together", AGRAMPLIFIER's paper, equation 1, with T0 = 50, T1 = 200
    and one record every 10 rounds.
  """
  is_within = _within(rounds, first_round, last_round)
  clean, attacked = _as_long(rounds, clean), _as_long(rounds, attacked)
  return float(np.mean((clean - attacked)[is_within]))


def negative_pulse(
  rounds: ArrayLike,
  accuracy: ArrayLike,
  *,
  attack_round: int,
  window: int = 20,
) -> float:
  """Returns the deepest fall of accuracy soon after an attack starts.

  max(0, max_{t in [T0, T0 + window]} (a_{T0} - a_t)), where a_{T0} is the last
  record not after T0 = attack_round.

  Args:
    rounds: int [t], recorded rounds, ascending.
    accuracy: float [t], at each.
    attack_round: T0.
    window: rounds after T0 that are looked at.

  Raises:
    ValueError: if lengths differ or nothing was recorded up to attack_round.
  """
  _within(rounds, None, attack_round)
  rounds, accuracy = np.asarray(rounds), _as_long(rounds, accuracy)
  before = accuracy[rounds <= attack_round][-1]
  is_after = (rounds >= attack_round) & (rounds <= attack_round + window)
  return float(np.max(before - accuracy[is_after], initial=0.0))


def robustness_gain(base_loss: float, defended_loss: float) -> float:
  """Returns the share of the accuracy loss L that a defence takes away.

  (L_base - L_defended) / L_base; NaN where the base loses nothing (L <= 0).
  """
  if not base_loss > 0:
    return float('nan')
  return (base_loss - defended_loss) / base_loss


def _within(
  rounds: ArrayLike, first: Optional[int], last: Optional[int]
) -> np.ndarray:
  rounds = np.asarray(rounds)
  if rounds.ndim != 1 or np.any(np.diff(rounds) <= 0):
    raise ValueError(f'Recorded rounds must ascend; got {rounds.tolist()}.')
  first = -np.inf if first is None else first
  last = np.inf if last is None else last
  is_within = (rounds >= first) & (rounds <= last)
  if not is_within.any():
    raise ValueError(
      f'No round from {first} to {last} was recorded; recorded are '
      f'{rounds.tolist()}. Evaluate more often or change the bounds.'
    )
  return is_within


def _as_long(rounds: ArrayLike, values: ArrayLike) -> np.ndarray:
  values = np.asarray(values, np.float64)
  if values.shape != np.shape(rounds):
    raise ValueError(
      'A metric needs one value a recorded round; got '
      f'{values.shape} values and {np.shape(rounds)} rounds.'
    )
  return values
