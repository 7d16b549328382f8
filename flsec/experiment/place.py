"""Where a run stands: what a checkpoint holds besides the server's state."""

import dataclasses
import json
import pathlib
from typing import Any, Optional

import numpy as np

from flsec.experiment import checkpoint
from flsec.models.flat import FlatModel


@dataclasses.dataclass(frozen=True)
class Place:
  """A place between two rows of a run.

  Attributes:
    phase: the number of the phase, from 0.
    step: rows of this phase so far; 0 where it has not begun.
    scores: of a phase of rounds that is judged, so far.
    reports: what clients have reported in this phase, `exchanges.ask`'s; None
      before they were asked.
    tests: what clients have said of the weights before the first round of such
      a phase, `exchanges.test`'s; None where they are not asked.
  """

  phase: int = 0
  step: int = 0
  scores: tuple[float, ...] = ()
  reports: Optional[dict[str, Any]] = None
  tests: Optional[dict[str, Any]] = None

  def to_text(self) -> str:
    """Returns the place as JSON, numbers exact."""
    return json.dumps(dataclasses.asdict(self))

  @classmethod
  def of_text(cls, text: str) -> 'Place':
    """Reads what `to_text` wrote."""
    found = json.loads(text)
    return cls(**{**found, 'scores': tuple(found['scores'])})

  def asked(self, reports: Any) -> 'Place':
    """Returns the place where clients have reported."""
    return dataclasses.replace(self, reports=dict(reports))

  def after(self, **changes: Any) -> 'Place':
    """Returns the place one row later, with changes."""
    return dataclasses.replace(self, step=self.step + 1, **changes)

  def next_phase(self) -> 'Place':
    """Returns the place where the next phase begins."""
    return Place(self.phase + 1)


@dataclasses.dataclass(frozen=True)
class Saved:
  """What is needed to go on.

  Attributes:
    num_rows: rows that there were.
    state: the server's.
    place: in the run.
    best: float32 [d], the weights with the best score of a phase that is
      judged; [0] where none is.
  """

  num_rows: int
  state: Any
  place: Place
  best: np.ndarray


def save(directory: pathlib.Path, model: FlatModel, saved: Saved) -> None:
  """Saves a checkpoint after a row; frozen weights are among the weights."""
  checkpoint.save(directory, saved.num_rows, _tree(model, saved))


def restore(
  directory: pathlib.Path, model: FlatModel, like: Saved
) -> Optional[Saved]:
  """Restores the latest checkpoint; None where there is none.

  Args:
    directory: of the checkpoints.
    model: whose weights they are.
    like: a state and best weights of the same shapes; and how many rows there
      are, before which the checkpoint was saved.

  Raises:
    CheckpointError: it is of another kind of run, or damaged.
  """
  found = checkpoint.restore(
    directory, _tree(model, like), last_round=like.num_rows
  )
  if found is None:
    return None
  num_rows, tree = found
  state = tree['state']
  weights = model.trained(state['weights'])
  return Saved(
    num_rows,
    type(state)({**state, 'weights': weights}),
    Place.of_text(tree['place']),
    tree['best'],
  )


def _tree(model: FlatModel, saved: Saved) -> dict[str, Any]:
  state = saved.state
  return {
    'state': {**state, 'weights': model.whole(state['weights'])},
    'place': saved.place.to_text(),
    'best': saved.best,
  }
