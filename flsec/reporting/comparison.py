"""Runs side by side: defences against threats, over seeds."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Optional

from flsec.reporting import places as places_lib
from flsec.reporting.cell import Cell
from flsec.reporting.measure import MEASURES, Measure, Moment
from flsec.reporting.places import Place
from flsec.reporting.spread import MEDIAN, Spread, spread

Grid = list[list[Optional[Spread]]]
WORST = 'worst'
# With fewer there is nothing to choose the worst from.
_LEAST_THREATS = 2


@dataclasses.dataclass(frozen=True)
class Layout:
  """A comparison as it is shown, the worst case last where it has one.

  Attributes:
    rows: names.
    columns: names.
    values: [rows][columns].
    is_tall: threats are the rows, since there are more of them than defences.
    has_worst: the last row (where `is_tall`) or column is the worst case.
  """

  rows: list[str]
  columns: list[str]
  values: Grid
  is_tall: bool
  has_worst: bool


@dataclasses.dataclass(frozen=True)
class Comparison:
  """One measure, for each defence (row) under each threat (column).

  Attributes:
    measure: what is compared.
    moment: in which rounds it was measured.
    kind: how seeds are put together, `median` or `mean`.
    defences: names of the rows.
    threats: names of the columns.
    values: [rows][columns], over seeds; None where no finished run measured it.
    worst: for each row that is complete its worst value over the columns; None
      for the others, whose worst may be in what is missing.
    has_worst: whether there are two attacked columns to be the worst of.
  """

  measure: Measure
  moment: Moment
  kind: str
  defences: list[str]
  threats: list[str]
  values: Grid
  worst: list[Optional[Spread]]
  has_worst: bool

  @property
  def is_grid(self) -> bool:
    """Whether runs differ in more than their seeds."""
    return len(self.defences) * len(self.threats) > 1

  @property
  def counts(self) -> list[int]:
    """The different numbers of seeds that its values are of, ascending."""
    return sorted({one.count for row in self.values for one in row if one})

  def laid_out(self, is_tall: Optional[bool] = None) -> Layout:
    """Returns the table.

    Args:
      is_tall: whether threats go down its side; None puts the longer list of
        names there.
    """
    defences, threats = (
      [name or 'all' for name in names]
      for names in (self.defences, self.threats)
    )
    values = [list(row) for row in self.values]
    if self.has_worst:
      threats = [*threats, WORST]
      values = [[*row, worst] for row, worst in zip(values, self.worst)]
    if is_tall is None:
      is_tall = len(self.threats) > len(self.defences)
    if is_tall:
      turned = [list(row) for row in zip(*values)]
      return Layout(threats, defences, turned, True, self.has_worst)
    return Layout(defences, threats, values, False, self.has_worst)


def compare(
  cells: Sequence[Cell],
  measure: Measure,
  moment: Moment,
  kind: str = MEDIAN,
  places: Optional[Sequence[Place]] = None,
) -> Optional[Comparison]:
  """Compares finished runs by one measure.

  Args:
    cells: runs. The numbers of unfinished and failed ones are left out, since
      they mean nothing before the attack is over; their places stay empty.
    measure: what to compare.
    moment: in which rounds.
    kind: how seeds are put together, `median` or `mean`.
    places: where the runs stand; None finds out.

  Returns:
    The comparison; None if no finished run measured it.
  """
  places = places_lib.places(cells) if places is None else places
  found: dict[Place, list[float]] = {}
  columns: dict[str, bool] = {}  # Threats that are measured: are they attacks?
  for cell, place in zip(cells, places):
    value = cell.headline.value(measure, moment)
    if value is not None:
      attacked = columns.get(place.threat, False)
      columns[place.threat] = attacked or places_lib.is_attacked(cell)
      if cell.is_done:
        found.setdefault(place, []).append(value)
  if not found:
    return None
  defences = places_lib.in_order([place.defence for place in places])
  threats = places_lib.in_order(list(columns))
  values = [
    [spread(found.get(Place(d, t), []), kind) for t in threats]
    for d in defences
  ]
  # A run that failed early has not even a column.
  open_rows = {p.defence for p in _unfinished(cells, places)}
  return Comparison(
    measure=measure,
    moment=moment,
    kind=kind,
    defences=defences,
    threats=threats,
    values=values,
    worst=[
      None if defence in open_rows else _worst(row, measure)
      for defence, row in zip(defences, values)
    ],
    has_worst=sum(columns.values()) >= _LEAST_THREATS,
  )


def comparisons(cells: Sequence[Cell], kind: str = MEDIAN) -> list[Comparison]:
  """Compares finished runs by every measure that they have.

  The last round and the mean of the attacked rounds follow one another.
  """
  places = places_lib.places(cells)
  found = [
    compare(cells, measure, moment, kind, places)
    for measure in MEASURES
    for moment in Moment
  ]
  return [comparison for comparison in found if comparison]


def by_measure(
  found: Sequence[Comparison],
) -> Mapping[Measure, list[Comparison]]:
  """Returns the comparisons of each measure, one a moment."""
  groups: dict[Measure, list[Comparison]] = {}
  for comparison in found:
    groups.setdefault(comparison.measure, []).append(comparison)
  return groups


def _unfinished(cells: Sequence[Cell], places: Sequence[Place]) -> set[Place]:
  """Returns the places at which no run is finished."""
  done = {place for cell, place in zip(cells, places) if cell.is_done}
  return set(places) - done


def _worst(
  row: Sequence[Optional[Spread]], measure: Measure
) -> Optional[Spread]:
  known = [value for value in row if value is not None]
  if len(known) < len(row):
    return None
  pick = min if measure.is_higher_better else max
  return pick(known, key=lambda value: value.centre, default=None)
