"""What a phase of a run is: a frozen record of pure functions."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Callable, NamedTuple, Optional

import numpy as np

from flsec.models.layout import Layout

# What `Phase.needs` may hold.
MASK = 'mask'  # Something is removed for good.
SCORE = 'score'  # Validation examples, or clients that test.


class Score(NamedTuple):
  """How good weights are, as whoever may test them says.

  Attributes:
    accuracy: share of right predictions, in [0, 1].
    loss: mean cross-entropy (nats); NaN where clients test.
  """

  accuracy: float
  loss: float = float('nan')


@dataclasses.dataclass(frozen=True)
class Question:
  """What clients are asked about the channels of a layer.

  Attributes:
    kind: 'ranks' (1 for the least active channel, up to C) or 'bits' (0 for
      the floor(share * C) least active, else 1).
    layer: whose channels; None: the last conv layer.
    share: p, see kind.
  """

  kind: str
  layer: Optional[str] = None
  share: float = 0.5


@dataclasses.dataclass(frozen=True)
class Reports:
  """The answers, as the server has them.

  Attributes:
    sums: int64 [C], the valid answers added up.
    valid: how many answers were valid.
    dropped: how many were not, and do not count.
  """

  sums: np.ndarray
  valid: int
  dropped: int = 0


# Numbers by name: of a candidate, or of what a phase has decided.
Record = Mapping[str, float]
# A search goes from the weights as they are (point 0) to ever more zeros:
# (zeroed_at int32 [d], the first point at which an entry is zero; a point that
# does not come, where it never is; points, what is to be said of each)
# -> (point -> score). Scores are asked for one by one.
Evaluate = Callable[[np.ndarray, Sequence[Record]], Callable[[int], Score]]
# (weights float32 [d], mask bool [d] (what is removed for good), reports,
#   layout, evaluate) -> (weights, mask, record)
Decide = Callable[
  [np.ndarray, np.ndarray, Optional[Reports], Layout, Evaluate],
  tuple[np.ndarray, np.ndarray, Record],
]


class Verdict(NamedTuple):
  """What the scores of a training phase say.

  Attributes:
    is_over: whether the phase ends here.
    best: the number of the score whose weights are kept.
  """

  is_over: bool
  best: int


@dataclasses.dataclass(frozen=True)
class Rounds:
  """Federated rounds of a phase.

  Attributes:
    most: rounds at most; None: as many as the experiment has.
    judge: `(scores) -> verdict`, asked after each round; scores[0] is that of
      the weights before the first. None: all rounds are run, and their last
      weights kept.
  """

  most: Optional[int] = None
  judge: Optional[Callable[[Sequence[float]], Verdict]] = None


@dataclasses.dataclass(frozen=True)
class Phase:
  """A phase: rounds of training, or a decision on the trained weights.

  Attributes:
    name: the registered name.
    needs: of MASK and SCORE, what has to be there.
    check: raises ValueError where the phase cannot work on a model; called
      before training.
    collect: what clients are asked before the decision; None: nothing.
    decide: changes the weights; None in a phase of rounds.
    rounds: None in a phase that decides.
    layer: the one layer that `decide` changes; None: the last conv layer.
    removes: whether it removes weights for good.
    num_channels: of `layer`, that it removes whatever anybody says; None: as
      many as its search keeps.
    feedback: whether clients test the candidates, and not the server on its
      validation examples.
  """

  name: str
  needs: frozenset[str] = frozenset()
  check: Callable[[Layout], None] = lambda layout: None
  collect: Optional[Question] = None
  decide: Optional[Decide] = None
  rounds: Optional[Rounds] = None
  layer: Optional[str] = None
  removes: bool = False
  num_channels: Optional[int] = None
  feedback: bool = False
