"""Numbers as the papers print them, one row a number.

A file has the keys of a cell (`rule`, `attack`, ...), then `measure`, `value`,
`spread`, `unit`, `where` and `note`. A value `N/A` is printed so, or stands for
a place that the paper leaves open.
"""

import csv
import dataclasses
import math
import pathlib
from collections.abc import Mapping
from typing import Optional

from flsec.config.errors import ConfigError

_COLUMNS = ('measure', 'value', 'spread', 'unit', 'where', 'note')
NOT_AVAILABLE = 'N/A'
# What a number may be given in; `1` is a share of 1.
UNITS = (
  *('%', 'points', '1', 'rounds', 'MiB', 's', 'degree'),
  *('channels', 'weights'),
)


@dataclasses.dataclass(frozen=True)
class PrintedValue:
  """A number of a paper.

  Attributes:
    keys: what tells its cell from the others, in the words of the experiment.
    measure: what it is of.
    value: the number; None where the paper says that there is none.
    spread: what it prints behind `±`; None where it prints nothing.
    unit: one of `UNITS`.
    where: the table, or a part of it.
    note: what a reader has to know, such as a misprint; mostly empty.
  """

  keys: Mapping[str, str]
  measure: str
  value: Optional[float]
  spread: Optional[float]
  unit: str
  where: str
  note: str


def read(path: pathlib.Path) -> list[PrintedValue]:
  """Returns the numbers of a file, in its order.

  Raises:
    ConfigError: a row is wrong, or stands there twice; names its line.
  """
  with open(path, encoding='utf-8', newline='') as file:
    reader = csv.DictReader(file, strict=True)
    names = tuple(reader.fieldnames or ())
    if names[-len(_COLUMNS) :] != _COLUMNS:
      raise ConfigError(
        'line 1',
        f'expected columns that end in {", ".join(_COLUMNS)}; found '
        f'{", ".join(names)}.',
        str(path),
      )
    keys = names[: -len(_COLUMNS)]
    found: list[PrintedValue] = []
    seen = set()
    for number, row in enumerate(reader, 2):
      value = _value(row, keys, f'line {number}', str(path))
      cell = (tuple(value.keys.values()), value.measure)
      if cell in seen:
        raise ConfigError(
          f'line {number}', 'stands here twice; keep one.', str(path)
        )
      seen.add(cell)
      found.append(value)
  return found


def count(path: pathlib.Path) -> int:
  """Returns how many rows a file has, those without a number included."""
  with open(path, encoding='utf-8', newline='') as file:
    return sum(1 for _ in csv.reader(file)) - 1


def _value(
  row: Mapping[str, Optional[str]],
  keys: tuple[str, ...],
  line: str,
  source: str,
) -> PrintedValue:
  if None in row or None in row.values():
    raise ConfigError(line, 'has more or fewer cells than the head.', source)
  empty = [k for k in (*keys, 'measure', 'value', 'where') if not row[k]]
  if empty:
    raise ConfigError(line, f'lacks its {empty[0]}.', source)
  if row['unit'] not in UNITS:
    raise ConfigError(
      line,
      f'has the unit {row["unit"]!r}; units are {", ".join(UNITS)}.',
      source,
    )
  text = row['value']
  return PrintedValue(
    {key: row[key] for key in keys},
    row['measure'],
    None if text == NOT_AVAILABLE else _number(text, line, source),
    _number(row['spread'], line, source) if row['spread'] else None,
    row['unit'],
    row['where'],
    row['note'],
  )


def _number(text: str, line: str, source: str) -> float:
  try:
    number = float(text)
  except ValueError:
    number = math.nan
  if not math.isfinite(number):
    raise ConfigError(
      line, f'expected a number or {NOT_AVAILABLE}; found {text!r}.', source
    )
  return number
