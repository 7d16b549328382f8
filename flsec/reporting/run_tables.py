"""The tables of a run and of a sweep."""

from collections.abc import Sequence
from typing import Optional

from flsec.reporting import (
  clean_run,
  differences,
  facts,
  phase_tables,
  places,
  spread,
)
from flsec.reporting.cell import Cell
from flsec.reporting.comparison import (
  WORST,
  Comparison,
  by_measure,
  comparisons,
)
from flsec.reporting.measure import ACCURACY, MEASURES, Measure, Moment
from flsec.reporting.settings import show
from flsec.reporting.table import (
  COUNT,
  MIB,
  SECONDS,
  Column,
  Entry,
  Number,
  Table,
  only_filled,
  share,
)

_MOST_SETTINGS = 5  # Columns of a sweep's table; more are put into words.


def run_table(cell: Cell) -> Table:
  """Returns what one run came to, a row for each measure that it has."""
  found = cell.headline
  columns = [
    Column('%'),
    Column('last round'),
    Column(f'mean of {found.attacked_rounds} attacked rounds'),
    Column('before the attack'),
  ]
  rows = [
    [
      measure.title,
      share(found.last[measure.metric]),
      share(found.attacked_mean[measure.metric]),
      share(found.before[measure.metric]),
    ]
    for measure in MEASURES
    if _has(cell, measure)
  ]
  how = 'failed' if cell.failure else 'unfinished'
  state = '' if cell.is_done else f' ({how}, round {cell.rounds})'
  table = Table(
    name='run',
    caption=f'{cell.title}: {cell.path}{state}',
    columns=columns,
    rows=rows,
    notes=[facts.in_words(cell), *warnings([cell])],
  )
  return only_filled(table)


def _has(cell: Cell, measure: Measure) -> bool:
  return measure is ACCURACY or any(measure.metric in r for r in cell.rows)


def _critical_entries(cell: Cell) -> list[Entry]:
  """Returns a run's critical round and volume, as `runs_table` shows them."""
  found = facts.critical_point(cell)
  reached = found['critical_round']
  is_missed = reached is None and found['critical_accuracy'] is not None
  return [
    'never' if is_missed and cell.is_done else Number(reached, COUNT),
    Number(found['critical_volume_mib'], MIB),
  ]


def warnings(cells: Sequence[Cell]) -> list[str]:
  """Returns what a reader of the numbers has to be told."""
  found = []
  unfinished = sum(not cell.is_done for cell in cells)
  if unfinished and len(cells) > 1:
    found.append(
      f'{unfinished} of {len(cells)} runs are not finished; comparisons leave '
      'them out.'
    )
  found += [
    f'Failed: {cell.path.name if len(cells) > 1 else cell.path}: {cell.failure}'
    for cell in cells
    if cell.failure and not cell.is_done
  ]
  above = [cell for cell in cells if cell.headline.rounds_above_f]
  rounds = sum(cell.headline.rounds_above_f for cell in above)
  of_runs = f' of {len(above)} runs' if len(cells) > 1 else ''
  if above:
    found.append(
      f'Warning: in {rounds} rounds{of_runs} more malicious clients took part '
      'than the rule was told of (clients/malicious_above_f).'
    )
  return found


def sweep_tables(
  cells: Sequence[Cell],
  kind: str = spread.MEDIAN,
  baseline: Optional[str] = None,
) -> list[Table]:
  """Returns runs side by side.

  First one row a run, then, where runs differ in more than their seeds, each
  measure by defence and threat, over seeds, with the worst case; then what each
  defence gains over a baseline. What each phase came to stands behind the runs.

  Args:
    cells: the runs.
    kind: how seeds are put together, `median` or `mean`.
    baseline: the defence that others are compared with; None leaves the
      comparison out.

  Raises:
    ValueError: there is no such defence.
  """
  grids = by_measure(comparisons(cells, kind))
  tables = [grid_table(found) for found in grids.values() if found[0].is_grid]
  gains = [
    differences.difference_table(cells, measure, baseline)
    for measure in grids
    if baseline is not None
  ]
  phases = phase_tables.sweep_phases(cells, *_settings(cells))
  return [runs_table(cells), *filter(None, [phases, *tables, *gains])]


def runs_table(cells: Sequence[Cell]) -> Table:
  """Returns a row for each run.

  The accuracy loss L is there where the sweep holds the clean run, and the
  share of it that a defence takes away where it holds the attacked mean, too;
  when and after what volume of a client a run was good enough where that was
  asked for.
  """
  names, settings = _settings(cells)
  columns = [*map(Column, names), Column('seed'), Column('state')]
  for measure in MEASURES:
    columns += [Column(moment.value, measure.title) for moment in Moment]
    if measure is ACCURACY:
      columns += [
        Column(n, measure.title) for n in ('before', 'loss L', 'gain')
      ]
  columns += [Column('critical round'), Column('critical MiB')]
  columns += [Column('pruned'), Column('s/round')]
  losses = clean_run.accuracy_losses(cells)
  gains = clean_run.robustness_gains(cells, losses)
  rows = []
  for cell, setting, loss, gain in zip(cells, settings, losses, gains):
    found = cell.headline
    row = [*setting, show(cell.config.get('seed')), cell.state]
    for measure in MEASURES:
      row += [share(found.value(measure, moment)) for moment in Moment]
      if measure is ACCURACY:
        row += [share(found.before[measure.metric])]
        row += [share(loss), share(gain)]
    units = sum(found.pruned_units.values())
    row += _critical_entries(cell)
    row += [
      Number(units or None, COUNT),
      Number(found.seconds_per_round, SECONDS),
    ]
    rows.append(row)
  table = Table(
    name='runs',
    caption='Runs, in %: last round, mean of attacked rounds',
    columns=columns,
    rows=rows,
    notes=warnings(cells),
  )
  return only_filled(table)


def _settings(cells: Sequence[Cell]) -> tuple[list[str], list[list[str]]]:
  """Returns columns that say what sets the runs apart: names and texts.

  One a setting; where that is many, one for the defence and one for the threat.
  """
  paths = places.varying(cells)
  if len(paths) <= _MOST_SETTINGS:
    flats = [places.flatten(cell.config) for cell in cells]
    shown = [[show(flat.get(p)) for p in paths] for flat in flats]
    return [*map(short_path, paths)], shown
  found = places.places(cells)
  names = [
    name
    for name in ('defence', 'threat')
    if any(getattr(place, name) for place in found)
  ]
  return names, [[getattr(p, name) for name in names] for p in found]


def short_path(path: str) -> str:
  """Returns `attack` for `attack.name`, `scale` for `attack.scale`."""
  words = path.split('.')
  return words[-2] if words[-1] == 'name' and len(words) > 1 else words[-1]


def grid_table(found: Sequence[Comparison]) -> Table:
  """Returns the comparisons of one measure as a table, moments side by side."""
  is_tall = found[0].laid_out().is_tall
  layouts = [comparison.laid_out(is_tall) for comparison in found]
  rows = dict.fromkeys(name for layout in layouts for name in layout.rows)
  heads = dict.fromkeys(name for layout in layouts for name in layout.columns)
  columns, lines = [Column('')], [[row] for row in rows]
  for head in heads:
    for layout, comparison in zip(layouts, found):
      if head in layout.columns:
        j = layout.columns.index(head)
        is_apart = layout.has_worst and not is_tall and head == WORST
        columns.append(Column(comparison.moment.value, head, is_apart))
        column = dict(zip(layout.rows, [row[j] for row in layout.values]))
        for line, row in zip(lines, rows):
          line.append(share(column.get(row)))
  name = found[0].measure.name
  return Table(name, caption(found), columns, lines, unfolds=True)


def caption(found: Sequence[Comparison]) -> str:
  """Says what the numbers of comparisons of one measure are."""
  rounds = ', '.join(comparison.moment.title for comparison in found)
  return f'{found[0].measure.title} in %: {rounds}{over_seeds(found)}'


def over_seeds(found: Sequence[Comparison]) -> str:
  """Says how many seeds comparisons are over, and how they are put together."""
  counts = sorted({count for one in found for count in one.counts})
  if counts == [1]:
    return ''
  how = spread.in_words(found[0].kind)
  if len(counts) == 1:
    return f'; {how} of {counts[0]} seeds'
  return f'; {how} of n seeds, {counts[0]} to {counts[-1]}'
