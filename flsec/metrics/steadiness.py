"""How steadily a run ends: the last test of a model is one draw of many."""

from typing import NamedTuple, Optional

import numpy as np
from numpy.typing import ArrayLike


class LastTests(NamedTuple):
  """The last tests of a run, taken together.

  Attributes:
    tests: how many they are.
    median: of their accuracies; of an even number, the mean of both middle
      ones.
    lowest: of them.
    highest: of them.
  """

  tests: int
  median: float
  lowest: float
  highest: float


class Fall(NamedTuple):
  """How far accuracy was below what it had been before.

  Attributes:
    depth: the difference, above 0.
    from_round: where accuracy was highest until then; the last such round.
    to_round: where it was so far below.
  """

  depth: float
  from_round: int
  to_round: int


def last_tests(accuracy: ArrayLike, share: float = 0.1) -> Optional[LastTests]:
  """Returns what the last tests say, a share of all of them, one or more.

  Args:
    accuracy: float [t], of each test, in their order; one NaN among the last
      makes all three numbers NaN.
    share: above 0 and at most 1; rounded up to whole tests.

  Returns:
    None where nothing was tested.

  Raises:
    ValueError: the share is out of its range.
  """
  if not 0 < share <= 1:
    raise ValueError(
      f'last_tests: share must be above 0 and at most 1; got {share}.'
    )
  accuracy = np.asarray(accuracy, np.float64)
  if not accuracy.size:
    return None
  # A tenth of 30 is 3, and 3.0000000000000004 in floating point.
  tests = max(1, int(np.ceil(round(share * accuracy.size, 9))))
  last = accuracy[-tests:]
  return LastTests(
    tests, float(np.median(last)), float(last.min()), float(last.max())
  )


def deepest_fall(rounds: ArrayLike, accuracy: ArrayLike) -> Optional[Fall]:
  """Returns the deepest fall of accuracy below its highest value until then.

  max_{s <= t} a_s - a_t, at its largest over t; the first of equal ones.

  Args:
    rounds: int [t], tested rounds, ascending.
    accuracy: float [t], at each; none may be NaN.

  Returns:
    None where accuracy never fell.

  Raises:
    ValueError: the two differ in length.
  """
  rounds = np.asarray(rounds)
  accuracy = np.asarray(accuracy, np.float64)
  if rounds.shape != accuracy.shape:
    raise ValueError(
      'deepest_fall needs one accuracy a round; got '
      f'{accuracy.shape} values and {rounds.shape} rounds.'
    )
  if not accuracy.size:
    return None
  depths = np.maximum.accumulate(accuracy) - accuracy
  to = int(np.argmax(depths))
  if not depths[to] > 0:
    return None
  # The last of equal heights: how long the fall took.
  start = to - int(np.argmax(accuracy[: to + 1][::-1]))
  return Fall(float(depths[to]), int(rounds[start]), int(rounds[to]))
