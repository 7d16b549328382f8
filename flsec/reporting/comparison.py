"""Runs side by side: defences against threats, seeds folded into a median."""

import dataclasses
import statistics
from collections.abc import Sequence
from typing import Callable, Optional

from flsec.reporting import settings
from flsec.reporting.cell import Cell, Headline

Grid = list[list[Optional[float]]]
WORST = 'worst'
Pick = Callable[[Headline], Optional[float]]


@dataclasses.dataclass(frozen=True)
class Measure:
  """A number that runs are compared by.

  Attributes:
    title: what a reader calls it.
    pick: takes it from a run's headline.
    is_higher_better: for the defender.
  """

  title: str
  pick: Pick
  is_higher_better: bool


ACCURACY = Measure('Final test accuracy', lambda h: h.accuracy, True)
ERROR_RATE = Measure(
  'Error rate, mean of attacked rounds', lambda h: h.error_rate, False
)
SUCCESS_RATE = Measure(
  'Attack success, mean of attacked rounds', lambda h: h.success_rate, False
)
MEASURES = (ACCURACY, ERROR_RATE, SUCCESS_RATE)


@dataclasses.dataclass(frozen=True)
class Layout:
  """A comparison as it is shown, the worst case last.

  Attributes:
    rows: names; the last is `worst` where `is_tall`.
    columns: names; the last is `worst` where not `is_tall`.
    values: [rows][columns].
    is_tall: threats are the rows, since there are more of them than defences.
  """

  rows: list[str]
  columns: list[str]
  values: Grid
  is_tall: bool


@dataclasses.dataclass(frozen=True)
class Comparison:
  """One measure, for each defence (row) under each threat (column).

  Attributes:
    measure: what is compared.
    defences: names of the rows.
    threats: names of the columns.
    values: [rows][columns], the median over seeds; None where nothing was
      measured.
    worst: for each row, its worst value over the columns, or None.
    num_seeds: the most runs that one value is the median of.
  """

  measure: Measure
  defences: list[str]
  threats: list[str]
  values: Grid
  worst: list[Optional[float]]
  num_seeds: int

  @property
  def is_grid(self) -> bool:
    """Whether runs differ in more than their seeds."""
    return len(self.defences) * len(self.threats) > 1

  def laid_out(self) -> Layout:
    """Returns the table, the longer list of names down its side."""
    defences, threats = (
      [name or 'all' for name in names]
      for names in (self.defences, self.threats)
    )
    values = [[*row, worst] for row, worst in zip(self.values, self.worst)]
    is_tall = len(threats) > len(defences)
    if is_tall:
      turned = [list(row) for row in zip(*values)]
      return Layout([*threats, WORST], defences, turned, is_tall)
    return Layout(defences, [*threats, WORST], values, is_tall)


def compare(cells: Sequence[Cell], measure: Measure) -> Optional[Comparison]:
  """Compares finished runs by one measure.

  Args:
    cells: runs; unfinished ones are left out, since a run's numbers mean
      nothing before its attack is over.
    measure: what to compare.

  Returns:
    The comparison; None if no finished run measured it.
  """
  places = settings.places(cells)
  found: dict[settings.Place, list[float]] = {}
  for cell, place in zip(cells, places):
    value = measure.pick(cell.headline)
    if cell.is_done and value is not None:
      found.setdefault(place, []).append(value)
  if not found:
    return None
  defences = settings.in_order([place.defence for place in found])
  threats = settings.in_order([place.threat for place in found])
  values = [
    [_median(found.get(settings.Place(d, t))) for t in threats]
    for d in defences
  ]
  return Comparison(
    measure=measure,
    defences=defences,
    threats=threats,
    values=values,
    worst=[_worst(row, measure) for row in values],
    num_seeds=max(len(seeds) for seeds in found.values()),
  )


def comparisons(cells: Sequence[Cell]) -> list[Comparison]:
  """Compares finished runs by every measure that they have."""
  found = [compare(cells, measure) for measure in MEASURES]
  return [comparison for comparison in found if comparison]


def _median(values: Optional[Sequence[float]]) -> Optional[float]:
  return statistics.median(values) if values else None


def _worst(row: Sequence[Optional[float]], measure: Measure) -> Optional[float]:
  known = [value for value in row if value is not None]
  pick = min if measure.is_higher_better else max
  return pick(known, default=None)
