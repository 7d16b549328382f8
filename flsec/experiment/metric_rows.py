"""Rows of metrics as text: exact, whole lines, the same after a resume.

A row is one round: `{'round': 7, 'test/accuracy': 0.97, ...}`; in a run of
several phases it names its phase and its step in it, and the steps of a search
share the round after which they are made. `metrics.jsonl` is the record;
`metrics.csv` is the same rows under the union of their columns, in the order in
which the columns appeared, and is made from it on a resume.
"""

import csv
import io
import json
import math
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Union

import numpy as np
from absl import logging

Number = Union[int, float]
Row = dict[str, Number]  # PHASE alone is a text.

ROUND = 'round'
PHASE = 'phase'
STEP = 'phase/step'
# Of a step of a search alone: which candidate it is about.
POINT = 'phase/point'
# JSON has no words for these; float() reads them back.
_NON_FINITE = ('NaN', 'Infinity', '-Infinity')


def as_number(name: str, value: Any) -> Number:
  """Returns a metric's value as a Python number that prints in full.

  A float32 becomes the float of its shortest decimal form, the one that reads
  back to the same float32: 0.1 and not 0.10000000149011612.

  Args:
    name: the metric's name, for the message.
    value: a Python number, a NumPy scalar, or an array or eager tensor of rank
      0 or of one element.

  Raises:
    TypeError: it is not one number.
  """
  array = np.asarray(value)
  if array.size != 1 or array.dtype.kind not in 'biuf':
    raise TypeError(
      f'Metric {name!r} must be one number; got {type(value).__name__} of '
      f'shape {array.shape} and dtype {array.dtype}. Write arrays as a '
      'histogram or an image.'
    )
  scalar = array.reshape(())[()]
  if array.dtype.kind != 'f':
    return int(scalar)
  return float(scalar) if array.dtype == np.float64 else float(str(scalar))


def make_row(round_number: int, metrics: Mapping[str, Any]) -> Row:
  """Returns the row of a round, metrics in their given order."""
  row: Row = {ROUND: int(round_number)}
  for name, value in metrics.items():
    if name == ROUND:
      raise ValueError("A metric cannot be named 'round': the row has it.")
    row[name] = str(value) if name == PHASE else as_number(name, value)
  return row


def follows(row: Row, before: Row) -> bool:
  """Tells whether a row may come behind another one.

  Rounds rise; the steps of one phase, and phases (two of one name, too), may
  share a round.
  """
  if row[ROUND] != before[ROUND] or STEP not in row:
    return row[ROUND] > before[ROUND]
  is_first = row[STEP] == 1
  return is_first or row[PHASE] != before.get(PHASE) or row[STEP] > before[STEP]


def of_rounds(rows: Iterable[Row]) -> list[Row]:
  """Returns the rows in which a round was trained, one a round.

  What a later phase does to the model without training (the steps of a search,
  and what it decides) is told in rows that share the round before them. They
  are no rounds: what is said over rounds is said of the others.
  """
  found: list[Row] = []
  for row in rows:
    if not found or row[ROUND] > found[-1][ROUND]:
      found.append(row)
  return found


def of_phases(rows: Iterable[Row]) -> list[list[Row]]:
  """Returns the rows of each phase, one after the other.

  A phase begins where its name changes or its steps begin anew. Rows without a
  phase are left out.
  """
  phases: list[list[Row]] = []
  for row in rows:
    if PHASE not in row:
      continue
    before = phases[-1][-1] if phases else {}
    is_next = row[PHASE] == before.get(PHASE) and row[STEP] > before[STEP]
    if not is_next:
      phases.append([])
    phases[-1].append(row)
  return phases


def to_json_line(row: Row) -> str:
  """Returns a row as one line of JSON; NaN and infinities as strings."""
  return json.dumps(
    {name: _json_value(value) for name, value in row.items()}, allow_nan=False
  )


def _json_value(value: Number) -> Union[Number, str]:
  if isinstance(value, (int, str)) or math.isfinite(value):
    return value
  if math.isnan(value):
    return 'NaN'
  return 'Infinity' if value > 0 else '-Infinity'


def columns_of(rows: Iterable[Row]) -> list[str]:
  """Returns the union of the rows' columns, in order of appearance."""
  seen = {ROUND: None}
  for row in rows:
    seen.update(dict.fromkeys(row))
  return list(seen)


def to_csv_line(columns: Sequence[str], row: Row) -> str:
  """Returns a row as one line of CSV; a column the row lacks stays empty."""
  return _csv_line([_csv_value(row[c]) if c in row else '' for c in columns])


def to_csv(columns: Sequence[str], rows: Iterable[Row]) -> str:
  """Returns the whole CSV text, header first."""
  lines = [_csv_line(columns), *(to_csv_line(columns, row) for row in rows)]
  return '\n'.join(lines) + '\n'


def _csv_value(value: Number) -> str:
  return value if isinstance(value, str) else repr(value)


def _csv_line(cells: Sequence[str]) -> str:
  buffer = io.StringIO()
  csv.writer(buffer, lineterminator='').writerow(cells)
  return buffer.getvalue()


def read_rows(path: Union[str, pathlib.Path]) -> list[Row]:
  """Reads `metrics.jsonl`.

  A torn last line, left by a process killed while writing it, is dropped with
  a warning.

  Args:
    path: the file; a missing one has no rows.

  Raises:
    ValueError: a line before the last is not a row, or rounds do not rise.
  """
  file = pathlib.Path(path)
  if not file.exists():
    return []
  *lines, torn = file.read_bytes().split(b'\n')
  if torn:
    logging.warning('%s: dropped a torn last line of %d bytes', file, len(torn))
  rows: list[Row] = []
  for number, line in enumerate(lines, start=1):
    try:
      row = _parse(line)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
      raise ValueError(
        f'{file}, line {number} is not a row of metrics: {error}. The file was '
        'changed by something else; restore it or start the run anew.'
      ) from error
    if rows and not follows(row, rows[-1]):
      raise ValueError(
        f'{file}, line {number}: round {row[ROUND]} follows round '
        f'{rows[-1][ROUND]}; rounds must rise. The file was changed by '
        'something else; restore it or start the run anew.'
      )
    rows.append(row)
  return rows


def _parse(line: bytes) -> Row:
  parsed = json.loads(line.decode('utf-8'))
  row = {
    name: str(value) if name == PHASE else _number(value)
    for name, value in parsed.items()
  }
  if type(row[ROUND]) is not int:  # A row without its round is no row.
    raise TypeError(f'its round is {row[ROUND]!r}')
  return row


def _number(value: Any) -> Number:
  if isinstance(value, str) and value in _NON_FINITE:
    return float(value)
  if isinstance(value, bool) or not isinstance(value, (int, float)):
    raise ValueError(f'{value!r} is no number')
  return value


def num_whole_rows(rows: Sequence[Row]) -> int:
  """Returns how many rows there are up to the first gap."""
  before: Row = {ROUND: 0}
  for number, row in enumerate(rows):
    if not _is_next(row, before):
      return number
    before = row
  return len(rows)


def _is_next(row: Row, before: Row) -> bool:
  """Tells whether no row is missing between two."""
  if STEP not in row:
    return row[ROUND] == before[ROUND] + 1
  steps = [1]
  if row[PHASE] == before.get(PHASE):
    steps.append(before[STEP] + 1)
  passed = row[ROUND] - before[ROUND]
  return row[STEP] in steps and passed in ((0,) if POINT in row else (0, 1))
