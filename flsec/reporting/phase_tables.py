"""What the phases of a run, or of several, came to."""

from collections.abc import Mapping, Sequence
from typing import Any, Optional

from flsec.experiment.phase_summary import phase_lines
from flsec.reporting.cell import Cell
from flsec.reporting.measure import (
  ACCURACY,
  CONTROL,
  ERROR_RATE,
  SUCCESS_RATE,
)
from flsec.reporting.table import (
  COUNT,
  SECONDS,
  Column,
  Entry,
  Number,
  Table,
  only_filled,
  share,
)

# Measure, and its name in a line of a phase.
_MEASURES = (
  (ACCURACY, 'accuracy'),
  (ERROR_RATE, 'error_rate'),
  (SUCCESS_RATE, 'success_rate'),
  (CONTROL, 'clean_error_rate'),
)
_CAPTION = 'Phases, in %: the model at the end of each'


def run_phases(cell: Cell) -> Optional[Table]:
  """Returns a row for each phase of a run that has several, else None."""
  lines = phase_lines(cell.rows)
  if len(lines) < 2:
    return None
  columns = [
    Column('phase'),
    *(Column(measure.title) for measure, _ in _MEASURES),
    *map(Column, ('rounds', 'tests', 'removed', 'Delta', 'seconds')),
  ]
  rows = [
    [
      line['name'],
      *(share(line.get(key)) for _, key in _MEASURES),
      _count(line['rounds']),
      _count(line['steps']),
      Number(line.get('removed'), COUNT),
      Number(line.get('delta'), COUNT),
      Number(line['seconds'], SECONDS),
    ]
    for line in lines
  ]
  notes = ['Removed: channels of prune, weights of adjust.']
  if not any('removed' in line for line in lines):
    notes = []
  return only_filled(Table('phases', _CAPTION, columns, rows, notes))


def sweep_phases(
  cells: Sequence[Cell], names: Sequence[str], settings: Sequence[Sequence[str]]
) -> Optional[Table]:
  """Returns a row for each run, with the measures of each of its phases.

  Args:
    cells: runs; None is returned where none has several phases.
    names: of what sets the runs apart.
    settings: that, of each run.
  """
  found = [_by_name(cell) for cell in cells]
  phases = list(dict.fromkeys(name for lines in found for name in lines))
  if not any(len(lines) > 1 for lines in found):
    return None
  columns = [*map(Column, names), Column('seed')]
  for phase in phases:
    columns += [Column(measure.title, phase) for measure, _ in _MEASURES]
    columns.append(Column('removed', phase))
  rows: list[list[Entry]] = []
  for cell, setting, lines in zip(cells, settings, found):
    row: list[Entry] = [*setting, str(cell.config.get('seed', ''))]
    for phase in phases:
      line = lines.get(phase, {})
      row += [share(line.get(key)) for _, key in _MEASURES]
      row.append(Number(line.get('removed'), COUNT))
    rows.append(row)
  return only_filled(Table('phases', _CAPTION, columns, rows, unfolds=True))


def _by_name(cell: Cell) -> dict[str, Mapping[str, Any]]:
  """Returns the lines of a run's phases; the second prune is `prune 2`."""
  found: dict[str, Mapping[str, Any]] = {}
  counts: dict[str, int] = {}
  for line in phase_lines(cell.rows):
    name = line['name']
    counts[name] = counts.get(name, 0) + 1
    found[name if counts[name] == 1 else f'{name} {counts[name]}'] = line
  return found


def _count(value: int) -> Number:
  return Number(value or None, COUNT)
