"""One page that shows what happened in a run, or in all of an experiment."""

import base64
import importlib.resources
import os
import pathlib
from collections.abc import Sequence
from typing import Any, Union

import jinja2

import flsec
from flsec import atomic_file
from flsec.reporting import cell as cell_lib
from flsec.reporting import (
  comparison_plots,
  formats,
  picture,
  plots,
  run_tables,
  settings,
)
from flsec.reporting.cell import Cell
from flsec.reporting.measure import ACCURACY, MEASURES
from flsec.reporting.table import SECONDS

REPORT = 'report.html'
_TEMPLATES = 'flsec.reporting'
_EMPTY = '–'


def write_report(directory: Union[str, pathlib.Path]) -> pathlib.Path:
  """Writes `report.html`, one file that needs no other.

  Args:
    directory: the folder of one run, or one with the folders of several runs
      in it: then the page compares them, and links to their own reports.

  Returns:
    The file, inside `directory`.

  Raises:
    ValueError: there is no run in the folder.
    OSError: the folder cannot be written.
  """
  folder = pathlib.Path(directory)
  if cell_lib.is_cell(folder):
    page = render_run(cell_lib.read_cell(folder))
  else:
    page = render_comparison(folder, cell_lib.find_cells(folder))
  path = folder / REPORT
  atomic_file.write_atomically(path, page)
  return path


def render_run(cell: Cell) -> str:
  """Returns the page of one run."""
  return _template('run.html.j2').render(
    title=cell.title,
    cell=cell,
    tiles=_tiles(cell),
    warnings=run_tables.warnings([cell]),
    pictures=picture.render(plots.pictures(cell)),
    changes=settings.changed(cell.config),
    planned=cell.config.get('rounds'),
    version=flsec.__version__,
  )


def render_comparison(folder: pathlib.Path, cells: Sequence[Cell]) -> str:
  """Returns the page that compares runs."""
  runs, *grids = run_tables.sweep_tables(cells)
  titles = dict.fromkeys(cell.title for cell in cells)
  return _template('comparison.html.j2').render(
    title=', '.join(titles) if len(titles) <= 3 else folder.name,
    num_done=sum(cell.is_done for cell in cells),
    num_cells=len(cells),
    runs=runs,
    links=[_link(folder, cell) for cell in cells],
    grids=grids,
    pictures=picture.render(comparison_plots.pictures(cells)),
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
