"""What phases tried: a number of channels, or a Delta, and how it tested."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Optional

from flsec.experiment.metric_rows import PHASE, POINT, Row, of_phases
from flsec.reporting.cell import Cell

SCORE = 'phase/score'
_DELTA, _REMOVED = 'phase/delta', 'phase/removed'


@dataclasses.dataclass(frozen=True)
class Search:
  """The candidates of one phase of one run, in the order they were tested.

  Attributes:
    phase: its name; the second of a name is `prune 2`.
    metric: what candidates differ in: 'phase/removed' or 'phase/delta'.
    rows: of the candidates.
    kept: of that, what the phase kept; None while it is unfinished.
  """

  phase: str
  metric: str
  rows: Sequence[Row]
  kept: Optional[float] = None

  @property
  def axis(self) -> str:
    """What the candidates' axis is called."""
    return 'channels pruned' if self.metric == _REMOVED else 'Delta'

  @property
  def tried(self) -> list[float]:
    """What candidates differ in; an infinite Delta adjusts nothing."""
    return [float(row[self.metric]) for row in self.rows]

  def series(self, name: str) -> tuple[list[float], list[float]]:
    """Returns where a metric was measured, and its values."""
    measured = [row for row in self.rows if name in row]
    return (
      [float(row[self.metric]) for row in measured],
      [float(row[name]) for row in measured],
    )


def searches(cell: Cell) -> list[Search]:
  """Returns what the phases of a run tried, as far as they tried anything."""
  found: list[Search] = []
  seen: dict[str, int] = {}
  for own in of_phases(cell.rows):
    name = own[0][PHASE]
    seen[name] = seen.get(name, 0) + 1
    candidates = [row for row in own if POINT in row]
    if len(candidates) < 2:
      continue
    metric = _DELTA if _DELTA in candidates[0] else _REMOVED
    if metric not in candidates[0]:  # A plugin's, of a kind of its own.
      continue
    ordinal = f' {seen[name]}' if seen[name] > 1 else ''
    kept = own[-1].get(metric) if POINT not in own[-1] else None
    found.append(Search(f'{name}{ordinal}', metric, candidates, kept))
  return found


def places_of(tried: Sequence[float]) -> list[float]:
  """Returns where Deltas stand on an axis: an infinite one before the largest.

  Args:
    tried: falling, the first of them perhaps infinite.
  """
  finite = [value for value in tried if math.isfinite(value)]
  step = finite[0] - finite[1] if len(finite) > 1 else 1.0
  largest = max(finite, default=0.0)
  return [v if math.isfinite(v) else largest + 2 * step for v in tried]
