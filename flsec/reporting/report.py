"""One page that shows what happened in a run, or in all of an experiment."""

import base64
import dataclasses
import importlib.resources
import os
import pathlib
from collections.abc import Sequence
from typing import Any, Optional, Union

import jinja2

import flsec
from flsec import atomic_file
from flsec.reporting import cell as cell_lib
from flsec.reporting import (
  comparison_plots,
  differences,
  formats,
  phase_tables,
  plots,
  run_tables,
  settings,
  style,
)
from flsec.reporting import picture as picture_lib
from flsec.reporting.cell import Cell
from flsec.reporting.measure import ACCURACY, MEASURES
from flsec.reporting.picture import Picture, Rendered
from flsec.reporting.spread import MEDIAN
from flsec.reporting.table import SECONDS, Table

REPORT = 'report.html'
_TEMPLATES = 'flsec.reporting'
_EMPTY = '–'


@dataclasses.dataclass(frozen=True)
class Contents:
  """What a report shows.

  Attributes:
    folder: where it is written.
    cells: one run, or several to compare.
    is_sweep: whether runs are compared.
    tables: the numbers.
    pictures: yet to be drawn.
  """

  folder: pathlib.Path
  cells: Sequence[Cell]
  is_sweep: bool
  tables: Sequence[Table]
  pictures: Sequence[Picture]


def read(
  directory: Union[str, pathlib.Path],
  kind: str = MEDIAN,
  baseline: Optional[str] = None,
) -> Contents:
  """Reads what a report of a folder shows.

  Args:
    directory: the folder of one run, or one with the folders of several runs
      in it, to be compared.
    kind: how seeds are put together, `median` or `mean`.
    baseline: the defence that others are compared with, as the tables call
      it; None takes the plain mean where there are several seeds.

  Raises:
    ValueError: there is no run in the folder, a file in it is damaged, or
      there is no such defence.
  """
  folder = pathlib.Path(directory)
  if not cell_lib.is_cell(folder):
    return compare(folder, cell_lib.find_cells(folder), kind, baseline)
  cell = cell_lib.read_cell(folder)
  if baseline is not None:
    raise ValueError(
      f'{folder} is a single run: there is nothing to compare with '
      f'{baseline!r}. Give the folder of a sweep.'
    )
  tables = [run_tables.run_table(cell), phase_tables.run_phases(cell)]
  return Contents(
    folder, [cell], False, [*filter(None, tables)], plots.pictures(cell)
  )


def compare(
  folder: pathlib.Path,
  cells: Sequence[Cell],
  kind: str = MEDIAN,
  baseline: Optional[str] = None,
) -> Contents:
  """Returns what a report shows of several runs: see `read`."""
  if baseline is None:
    baseline = differences.usual_baseline(cells)
  return Contents(
    folder,
    cells,
    True,
    run_tables.sweep_tables(cells, kind, baseline),
    comparison_plots.pictures(cells, kind),
  )


def write_report(directory: Union[str, pathlib.Path]) -> pathlib.Path:
  """Reads a folder and writes its `report.html`: see `read` and `write`."""
  return write(read(directory))


def write(contents: Contents, scale: Optional[str] = None) -> pathlib.Path:
  """Writes `report.html`, one file that needs no other.

  Args:
    contents: what it shows. The page of several runs links to their own.
    scale: of shares: see `flsec.reporting.style.Page`.

  Returns:
    The file.

  Raises:
    OSError: the folder cannot be written.
  """
  page = dataclasses.replace(style.SCREEN, scale=scale)
  rendered = picture_lib.render(contents.pictures, page)
  text = (
    _comparison(contents, rendered)
    if contents.is_sweep
    else _run(contents, rendered)
  )
  path = contents.folder / REPORT
  atomic_file.write_atomically(path, text)
  return path


def _run(contents: Contents, rendered: Sequence[Rendered]) -> str:
  """Returns the page of one run."""
  (cell,) = contents.cells
  return _template('run.html.j2').render(
    title=cell.title,
    cell=cell,
    tiles=_tiles(cell),
    # The first one's numbers are the tiles.
    tables=contents.tables[1:],
    warnings=run_tables.warnings([cell]),
    pictures=rendered,
    changes=settings.changed(cell.config),
    planned=cell.config.get('rounds'),
    version=flsec.__version__,
  )


def _comparison(contents: Contents, rendered: Sequence[Rendered]) -> str:
  """Returns the page that compares runs."""
  cells, (runs, *grids) = contents.cells, contents.tables
  titles = dict.fromkeys(cell.title for cell in cells)
  return _template('comparison.html.j2').render(
    title=', '.join(titles) if len(titles) <= 3 else contents.folder.name,
    num_done=sum(cell.is_done for cell in cells),
    num_cells=len(cells),
    failed=[cell for cell in cells if cell.failure and not cell.is_done],
    runs=runs,
    links=[_link(contents.folder, cell) for cell in cells],
    grids=grids,
    pictures=rendered,
    version=flsec.__version__,
  )


def _tiles(cell: Cell) -> list[dict[str, str]]:
  """Returns the numbers at the top of the page of a run."""
  found = cell.headline
  attacked = f'mean of {found.attacked_rounds} attacked rounds'
  units = found.pruned_units
  candidates = []
  for measure in MEASURES:
    last = _percent(found.last[measure.metric])
    mean = _percent(found.attacked_mean[measure.metric])
    before = _percent(found.before[measure.metric])
    notes = [] if mean == _EMPTY else [f'{mean} {attacked}']
    notes += [] if before == _EMPTY else [f'{before} before the attack']
    if measure is ACCURACY:
      notes.append(f'best {_percent(found.best_accuracy)}')
    candidates.append((f'{measure.title}, last round', last, '; '.join(notes)))
  candidates += [
    (
      'Units pruned',
      str(sum(units.values())) if units else _EMPTY,
      ', '.join(f'{name} {count}' for name, count in units.items() if count),
    ),
    (
      'Seconds a round',
      formats.number(found.seconds_per_round, SECONDS),
      f'{found.seconds:.3g} in all',
    ),
  ]
  return [
    {'name': name, 'value': value, 'note': note}
    for name, value, note in candidates
    if value not in (_EMPTY, formats.NOTHING)
  ]


def _percent(value: Any) -> str:
  return _EMPTY if value is None else f'{value:.2%}'


def _link(folder: pathlib.Path, cell: Cell) -> str:
  """Returns the way to a run's own report, or '' while there is none."""
  report = cell.path / REPORT
  return os.path.relpath(report, folder) if report.exists() else ''


def _template(name: str) -> jinja2.Template:
  environment = jinja2.Environment(
    loader=jinja2.FunctionLoader(_read_template),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
  )
  environment.filters['entry'] = formats.entry_text
  environment.filters['base64'] = lambda data: base64.b64encode(data).decode()
  return environment.get_template(name)


def _read_template(name: str) -> str:
  folder = importlib.resources.files(_TEMPLATES) / 'templates'
  return (folder / name).read_text(encoding='utf-8')
