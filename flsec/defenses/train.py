"""Federated training, the phase that every run has."""

from typing import Optional

from flsec import registry
from flsec.defenses.phase import Phase, Rounds


@registry.phase('train', paper='')
def train(*, rounds: Optional[int] = None) -> Phase:
  """Trains for a fixed number of rounds.

  Args:
    rounds: how many; None: the experiment's.

  Returns:
    The phase.

  Raises:
    ValueError: if rounds is below 1.
  """
  if rounds is not None and rounds < 1:
    raise ValueError(f'train needs rounds >= 1; got {rounds}.')
  return Phase('train', rounds=Rounds(most=rounds))
