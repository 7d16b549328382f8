"""Rounds that cells of a sweep have in common."""

import dataclasses
import pathlib


@dataclasses.dataclass(frozen=True)
class Prefix:
  """The first rounds of several cells, which one of them trains for all.

  Attributes:
    folder: where they are kept, beside the cells.
    last_round: the last one that is the same in all.
    is_before_attack: whether it ends where the attack of some of them starts;
      then only a cell with an attack trains them, since it measures more.
  """

  folder: pathlib.Path
  last_round: int
  is_before_attack: bool = False

  @property
  def is_complete(self) -> bool:
    """Whether all rounds are there."""
    return (self.folder / f'round_{self.last_round:06d}.npz').exists()
