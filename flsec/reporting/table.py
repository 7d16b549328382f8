"""A table before it is written: what stands in it, not how it looks."""

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Optional, Union

from flsec.reporting.spread import Spread

PERCENT = '%'
SECONDS = 's'
MIB = 'MiB'
COUNT = ''


@dataclasses.dataclass(frozen=True)
class Number:
  """A number in a table.

  Attributes:
    value: as measured, shares as shares of 1; None where there is none.
    unit: `%` (a share, shown times 100), `s` (seconds), `MiB` or none (a
      count).
  """

  value: Union[int, float, Spread, None]
  unit: str = PERCENT


Entry = Union[str, Number]


@dataclasses.dataclass(frozen=True)
class Column:
  """The head of a column.

  Attributes:
    name: what it holds.
    group: what stands over it and its neighbours of the same group.
    is_apart: it is set off from the others, as the worst case is.
  """

  name: str
  group: str = ''
  is_apart: bool = False

  @property
  def title(self) -> str:
    """Group and name in one line."""
    return ', '.join(filter(None, (self.group, self.name)))


@dataclasses.dataclass(frozen=True)
class Table:
  """A table.

  Attributes:
    name: a word, for its file.
    caption: what its numbers are.
    columns: their heads.
    rows: an entry a column.
    notes: what a reader has to know besides.
    unfolds: where it is too wide, its groups may become rows.
  """

  name: str
  caption: str
  columns: Sequence[Column]
  rows: Sequence[Sequence[Entry]]
  notes: Sequence[str] = ()
  unfolds: bool = False

  @property
  def groups(self) -> list[tuple[str, list[int]]]:
    """Each group and its columns, from left to right."""
    numbered = enumerate(column.group for column in self.columns)
    return [
      (group, [i for i, _ in members])
      for group, members in itertools.groupby(numbered, key=lambda one: one[1])
    ]

  @property
  def counts(self) -> list[int]:
    """The different numbers of seeds behind its numbers, ascending."""
    return sorted({one.count for one in self._spreads()})

  @property
  def has_groups(self) -> bool:
    """Whether something stands over the columns' names."""
    return any(column.group for column in self.columns)

  def is_numeric(self, index: int) -> bool:
    """Tells whether a column holds numbers alone."""
    return all(isinstance(row[index], Number) for row in self.rows)

  def _spreads(self) -> list[Spread]:
    return [
      entry.value
      for row in self.rows
      for entry in row
      if isinstance(entry, Number) and isinstance(entry.value, Spread)
    ]


def only_filled(table: Table) -> Table:
  """Returns a table without the columns of numbers that hold none."""
  kept = [
    i
    for i in range(len(table.columns))
    if not table.rows
    or not table.is_numeric(i)
    or any(row[i].value is not None for row in table.rows)
  ]
  return dataclasses.replace(
    table,
    columns=[table.columns[i] for i in kept],
    rows=[[row[i] for i in kept] for row in table.rows],
  )


def unfolded(table: Table) -> Table:
  """Returns a table with its groups one below the other, not side by side.

  What has no group is repeated in each.
  """
  left = [i for i, column in enumerate(table.columns) if not column.group]
  groups = [(name, members) for name, members in table.groups if name]
  names = list(
    dict.fromkeys(table.columns[i].name for _, m in groups for i in m)
  )
  rows = []
  for group, members in groups:
    place = {table.columns[i].name: i for i in members}
    for row in table.rows:
      numbers = [row[place[n]] if n in place else Number(None) for n in names]
      rows.append([group, *(row[i] for i in left), *numbers])
  columns = [Column(''), *(table.columns[i] for i in left)]
  columns += map(Column, names)
  return dataclasses.replace(table, columns=columns, rows=rows)


def share(value: Optional[float]) -> Number:
  """Returns a share of 1 as an entry."""
  return Number(value, PERCENT)
