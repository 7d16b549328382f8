"""Ours beside the print: how far apart, in which order, and why."""

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from typing import Optional

from flsec.catalogue import outline, papers, shares
from flsec.catalogue.papers import Cause, Entry
from flsec.catalogue.printed import PrintedValue
from flsec.catalogue.results import Result

# In these units numbers are near within two points, in others within a tenth.
_POINTS = {'%': 1.0, 'points': 1.0, '1': 100.0}
NEAR_POINTS = 2.0
NEAR_SHARE = 0.1
# Of the pairs with its neighbours in the table, so many in the printed order.
SAME_ORDER = 0.8

NEAR, ORDER, CAUSE, OPEN = 'near', 'same order', 'differs, cause', 'differs'
VERDICTS = (NEAR, ORDER, CAUSE, OPEN)


@dataclasses.dataclass(frozen=True)
class Ours:
  """What seeds came to.

  Attributes:
    centre: the median; None where no seed came to a number.
    low: the least.
    high: the greatest.
    count: seeds with a number.
    rounds: of the longest run.
  """

  centre: Optional[float]
  low: float
  high: float
  count: int
  rounds: int


@dataclasses.dataclass(frozen=True)
class Line:
  """A printed number, and ours of one size.

  Attributes:
    printed: the number.
    ours: ours.
    verdict: one of `VERDICTS`.
    words: the verdict in words.
  """

  printed: PrintedValue
  ours: Ours
  verdict: str
  words: str

  @property
  def difference(self) -> Optional[float]:
    """Ours minus the printed one, in its unit."""
    if self.printed.value is None or self.ours.centre is None:
      return None
    return self.ours.centre - self.printed.value


def put_together(results: Sequence[Result]) -> Ours:
  """Returns what the seeds of one cell and measure came to."""
  values = [one.value for one in results if one.value is not None]
  return Ours(
    statistics.median(values) if values else None,
    min(values, default=0.0),
    max(values, default=0.0),
    len(values),
    max(one.rounds for one in results),
  )


def compare(
  entry: Entry,
  numbers: Sequence[PrintedValue],
  results: Sequence[Result],
  size: str,
) -> list[Line]:
  """Returns a line for each printed number that has ours of a size beside it.

  Args:
    entry: the table.
    numbers: its printed values.
    results: ours, of all sizes.
    size: which size.
  """
  ours: dict[tuple[tuple[str, ...], str], list[Result]] = {}
  for one in shares.with_shares(entry, results):
    if one.size == size:
      place = (tuple(one.keys.values()), one.measure)
      ours.setdefault(place, []).append(one)
  pairs = [
    (row, put_together(ours[tuple(row.keys.values()), row.measure]))
    for row in numbers
    if (tuple(row.keys.values()), row.measure) in ours
  ]
  return [
    Line(row, own, *_verdict(entry, row, own, pairs, size))
    for row, own in pairs
  ]


def is_near(row: PrintedValue, ours: Ours) -> bool:
  """Tells whether a number is near: two points, or a tenth."""
  if row.value is None or ours.centre is None:
    return row.value is None and ours.centre is None
  apart = abs(ours.centre - row.value)
  if row.unit in _POINTS:
    return apart * _POINTS[row.unit] <= NEAR_POINTS
  return apart <= NEAR_SHARE * abs(row.value)


def order(
  row: PrintedValue, ours: Ours, pairs: Sequence[tuple[PrintedValue, Ours]]
) -> tuple[int, int]:
  """Counts the neighbours that stand to a number as they do in print.

  Neighbours are the numbers of the same measure whose cells differ in one key;
  those with the same printed value say nothing of an order.

  Returns:
    How many stand so, and how many there are.
  """
  same = total = 0
  for other, other_ours in pairs:
    if not _are_neighbours(row, other):
      continue
    values = (row.value, other.value, ours.centre, other_ours.centre)
    if None in values or row.value == other.value:
      continue
    total += 1
    printed_sign = row.value > other.value
    same += ours.centre != other_ours.centre and printed_sign == (
      ours.centre > other_ours.centre
    )
  return same, total


def _are_neighbours(one: PrintedValue, other: PrintedValue) -> bool:
  if one.measure != other.measure:
    return False
  apart = sum(one.keys[key] != other.keys[key] for key in one.keys)
  return apart == 1


def _verdict(
  entry: Entry,
  row: PrintedValue,
  ours: Ours,
  pairs: Sequence[tuple[PrintedValue, Ours]],
  size: str,
) -> tuple[str, str]:
  if is_near(row, ours):
    if row.value is None:
      return NEAR, 'none, as printed'
    near = 'within 2 points' if row.unit in _POINTS else 'within a tenth'
    return NEAR, near
  same, total = order(row, ours, pairs)
  if total and same >= SAME_ORDER * total:
    return ORDER, f'same order ({same} of {total} neighbours)'
  differs = f'differs ({same} of {total} in order)'
  cause = _cause(entry, row, size)
  if cause is not None:
    verdict = CAUSE if cause.is_found else OPEN
    return verdict, f'{differs}{":" if cause.is_found else ";"} {cause.because}'
  reason = 'no cause known'
  if outline.is_smaller(entry, size):
    reason = "a smaller run than the paper's, which cannot tell why"
  return OPEN, f'{differs}; {reason}'


def _cause(entry: Entry, row: PrintedValue, size: str) -> Optional[Cause]:
  """Returns the first that holds of a number."""
  labels: Mapping[str, str] = {
    **row.keys,
    'measure': row.measure,
    'size': size,
  }
  for cause in entry.causes:
    if papers.holds(cause.when, labels):
      return cause
  return None
