"""How the server trains on its root examples: a section of the YAML."""

import dataclasses
from typing import Literal, Optional


def _at_least_one(default: Optional[int]) -> Optional[int]:
  return dataclasses.field(default=default, metadata={'minimum': 1})


@dataclasses.dataclass(frozen=True)
class RootTrainingConfig:
  """The server's own training, for rules that compare clients with it.

  It follows none of the clients' schedule: by default one step on all root
  examples, whatever clients do.

  Attributes:
    steps: optimiser steps in a round, from the global weights.
    batch_size: root examples in a step, drawn anew for each; all of them where
      left out.
    learning_rate: the step size; the clients' of that round where left out.
    optimizer: `sgd` or `adam`, its moments anew in every round; the clients',
      with its options, where left out.
  """

  steps: int = _at_least_one(1)
  batch_size: Optional[int] = _at_least_one(None)
  learning_rate: Optional[float] = dataclasses.field(
    default=None, metadata={'above': 0}
  )
  optimizer: Optional[Literal['sgd', 'adam']] = None
