"""The runs of a folder: how far each is, and how large."""

import pathlib
from collections.abc import Sequence

from flsec.experiment import folder_lock
from flsec.reporting.cell import Cell
from flsec.reporting.measure import MEASURES, Moment
from flsec.reporting.settings import show
from flsec.reporting.table import (
  COUNT,
  Column,
  Number,
  Table,
  only_filled,
  share,
)

_MIB = 2**20


def run_list(folder: pathlib.Path, cells: Sequence[Cell]) -> Table:
  """Returns a row for each run: state, rounds, seed, size and numbers.

  Args:
    folder: that the runs' names are relative to.
    cells: the runs.
  """
  columns = [
    Column('run'), Column('state'), Column('rounds'), Column('of'),
    Column('seed'), Column('MiB'),
  ]  # fmt: skip
  for measure in MEASURES:
    columns += [Column(moment.value, measure.title) for moment in Moment]
  rows = []
  for cell in cells:
    values = [
      share(cell.headline.value(measure, moment))
      for measure in MEASURES
      for moment in Moment
    ]
    rows.append(
      [
        cell.path.relative_to(folder).as_posix(),
        state(cell),
        Number(cell.rounds, COUNT),
        Number(cell.config.get('rounds'), COUNT),
        show(cell.config.get('seed')),
        f'{size_bytes(cell.path) / _MIB:.1f}',
        *values,
      ]
    )
  caption = f'Runs in {folder}, in %: last round, mean of attacked rounds'
  return only_filled(Table('run_list', caption, columns, rows))


def state(cell: Cell) -> str:
  """Returns `done`, `running`, `failed` or `unfinished`."""
  if cell.is_done:
    return 'done'
  if folder_lock.is_held(cell.path):
    return 'running'
  return 'failed' if cell.failure else 'unfinished'


def size_bytes(folder: pathlib.Path) -> int:
  """Returns how much a folder's files take."""
  return sum(
    file.lstat().st_size for file in folder.rglob('*') if file.is_file()
  )
