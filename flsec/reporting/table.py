"""Tables of text for the end of a run or a sweep."""

from collections.abc import Sequence
from typing import Optional

from flsec.reporting import clean_run, settings
from flsec.reporting.cell import Cell
from flsec.reporting.comparison import Comparison, comparisons

NOTHING = '-'
_MOST_SETTINGS = 5  # Columns of a sweep's table; more are put into words.


def run_table(cell: Cell) -> str:
  """Returns what one run came to, a line for each number that it measured."""
  lines = run_lines(cell)
  width = max(len(name) for name, _ in lines)
  state = '' if cell.is_done else f' (unfinished, round {cell.rounds})'
  body = [f'  {name:<{width}}  {value}' for name, value in lines]
  return '\n'.join([f'{cell.title}: {cell.path}{state}', *body]) + '\n'


def run_lines(cell: Cell) -> list[tuple[str, str]]:
  """Returns (what, value) of a run's headline numbers that were measured."""
  found = cell.headline
  attacked = f'mean of {found.attacked_rounds} attacked rounds'
  units = sum(found.pruned_units.values())
  layers = ', '.join(f'{n} {u}' for n, u in found.pruned_units.items() if u)
  return [
    ('rounds', str(cell.rounds)),
    ('final accuracy', share(found.accuracy)),
    *_where(found.accuracy_before, 'accuracy before the attack'),
    *_where(found.error_rate, f'error rate, {attacked}'),
    *_where(found.success_rate, f'attack success, {attacked}'),
    *([('units pruned', f'{units} ({layers})')] if units else []),
    ('seconds a round', seconds(found.seconds_per_round)),
  ]


def _where(value: Optional[float], name: str) -> list[tuple[str, str]]:
  return [] if value is None else [(name, share(value))]


def sweep_table(cells: Sequence[Cell]) -> str:
  """Returns runs side by side.

  First one line a run, then, where runs differ in more than their seeds, each
  measure by defence and threat, the median over seeds, with the worst case.
  """
  parts = [render(*cell_lines(cells))]
  for comparison in comparisons(cells):
    if comparison.is_grid:
      parts.append(f'{caption(comparison)}\n{render(*grid(comparison))}')
  return '\n'.join(parts)


def caption(comparison: Comparison) -> str:
  """Says what a comparison's numbers are."""
  seeds = comparison.num_seeds
  over = f', median over {seeds} seeds' if seeds > 1 else ''
  return f'{comparison.measure.title}{over}'


def cell_lines(
  cells: Sequence[Cell],
) -> tuple[list[str], list[list[str]]]:
  """Returns the header and a line for each run, its numbers as text.

  The accuracy loss L is there where the sweep holds the clean run.
  """
  header, places = _places(cells)
  header += ['seed', 'state', 'accuracy']
  header += [
    'before attack',
    'error rate',
    'attack success',
    'pruned',
    's/round',
  ]
  losses = clean_run.accuracy_losses(cells)
  has_losses = any(loss is not None for loss in losses)
  header += ['accuracy loss L'] * has_losses
  lines = []
  for cell, place, loss in zip(cells, places, losses):
    found = cell.headline
    lines.append(
      [
        *place,
        settings.show(cell.config.get('seed')),
        'done' if cell.is_done else f'round {cell.rounds}',
        share(found.accuracy),
        share(found.accuracy_before),
        share(found.error_rate),
        share(found.success_rate),
        str(sum(found.pruned_units.values())),
        seconds(found.seconds_per_round),
        *[share(loss)] * has_losses,
      ]
    )
  return header, lines


def _places(cells: Sequence[Cell]) -> tuple[list[str], list[list[str]]]:
  """Returns columns that say what sets the runs apart: header and lines.

  One a setting; where that is many, one for the defence and one for the threat.
  """
  paths = settings.varying(cells)
  if len(paths) <= _MOST_SETTINGS:
    flats = [settings.flatten(cell.config) for cell in cells]
    shown = [[settings.show(flat.get(p)) for p in paths] for flat in flats]
    return [*map(short_path, paths)], shown
  places = settings.places(cells)
  names = [
    name
    for name in ('defence', 'threat')
    if any(getattr(place, name) for place in places)
  ]
  return names, [[getattr(p, name) for name in names] for p in places]


def short_path(path: str) -> str:
  """Returns `attack` for `attack.name`, `scale` for `attack.scale`."""
  words = path.split('.')
  return words[-2] if words[-1] == 'name' and len(words) > 1 else words[-1]


def grid(comparison: Comparison) -> tuple[list[str], list[list[str]]]:
  """Returns a comparison's header and lines, the worst case last."""
  shown = comparison.laid_out()
  lines = [
    [name, *map(share, row)] for name, row in zip(shown.rows, shown.values)
  ]
  return ['', *shown.columns], lines


def render(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
  """Returns a table whose columns are as wide as they need to be."""
  rows = [list(header), *map(list, lines)]
  widths = [max(len(row[i]) for row in rows) for i in range(len(header))]
  numeric = [
    all(_is_number(line[i]) for line in lines) for i in range(len(header))
  ]
  text = [
    '  '.join(
      cell.rjust(width) if right else cell.ljust(width)
      for cell, width, right in zip(row, widths, numeric)
    ).rstrip()
    for row in rows
  ]
  text.insert(1, '  '.join('-' * width for width in widths))
  return '\n'.join(text) + '\n'


def _is_number(text: str) -> bool:
  try:
    float(text)
  except ValueError:
    return text == NOTHING
  return True


def share(value: Optional[float]) -> str:
  """Returns a share of 1 with four decimals: a test image in 10,000 counts."""
  return NOTHING if value is None else f'{value:.4f}'


def seconds(value: Optional[float]) -> str:
  """Returns seconds with three significant digits."""
  return NOTHING if value is None else f'{value:.3g}'
