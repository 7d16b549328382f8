"""One score out of what many clients say of the same weights."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

# A client's number of examples counts up to so many times the median one.
MAX_WEIGHT = 2.0
# By so much may one client's accuracy seem to change.
MAX_CHANGE = 0.1


class Feedback(NamedTuple):
  """What the clients' tests come to.

  Attributes:
    accuracies: float64 [points].
    valid: clients that count.
    dropped: clients whose answer was none.
  """

  accuracies: np.ndarray
  valid: int
  dropped: int


def combine(
  accuracies: ArrayLike,
  num_examples: ArrayLike,
  *,
  max_weight: float = MAX_WEIGHT,
  max_change: float = MAX_CHANGE,
) -> Feedback:
  """Averages the clients' accuracies, none of them counting for too much.

  A mean over clients weighted by their numbers of examples, with bounded
  influence and a floor:

    w_i = min(examples_i, max_weight * median of the examples)
    s_k = sum_i w_i (a_i0 + clip(a_ik - a_i0, -max_change, max_change)) / sum w

  So whoever claims a huge shard weighs little more than others, and whoever
  claims that a point ruins (or heals) the model moves the score by
  max_change w_i / sum w at most: with 0.1, one liar among ten equal clients by
  one percentage point. A median of clients would not do: with few labels a
  client, a class may be lost by all its few holders and the median not move.

  Args:
    accuracies: [n, points], by client; point 0 is where nothing has changed.
    num_examples: [n], that each client tested on.
    max_weight: see above, at least 1.
    max_change: see above, in (0, 1].

  Returns:
    The feedback. A client whose accuracies are not all in [0, 1], or that
    tested on no example, does not count.

  Raises:
    ValueError: if no client counts.

  References:
    Wu et al., "Mitigating backdoor attacks in federated learning", 2020,
    section IV (the server collects the clients' feedback; how, it leaves open).
  """
  accuracies = np.asarray(accuracies, np.float64)
  examples = np.asarray(num_examples, np.float64)
  is_share = (accuracies >= 0) & (accuracies <= 1)  # NaN is none.
  is_valid = is_share.all(axis=1) & (examples >= 1) & np.isfinite(examples)
  if not is_valid.any():
    raise ValueError(
      f'None of the {len(accuracies)} clients gave feedback that counts '
      '(accuracies from 0 to 1, on at least one example). Let the server test '
      'on validation examples: dataset.validation, and feedback: false.'
    )
  accuracies, examples = accuracies[is_valid], examples[is_valid]
  weights = np.minimum(examples, max_weight * np.median(examples))
  first = accuracies[:, :1]
  changes = np.clip(accuracies - first, -max_change, max_change)
  shares = weights / weights.sum()
  valid = int(is_valid.sum())
  return Feedback(shares @ (first + changes), valid, len(is_valid) - valid)
