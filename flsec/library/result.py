"""What a run, or a sweep, has left in its folder, for Python code."""

import dataclasses
import functools
import json
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Optional, Union

import numpy as np

from flsec.config import loading
from flsec.config.schema import Experiment
from flsec.experiment import metric_rows, run_directory
from flsec.reporting import cell as cell_lib

if TYPE_CHECKING:
  import pandas
  import tensorflow as tf
  from matplotlib.figure import Figure

Path = Union[str, 'os.PathLike[str]']


@dataclasses.dataclass(frozen=True)
class Result:
  """A run, read from its folder; nothing here changes the folder.

  Attributes:
    path: the folder.
    config: what was run, every default filled in, as the YAML has it.
    rows: the metrics by name, an array with an entry a round (or step of a
      search): `round` int64 [r]; `phase`, where there is one, text [r]; every
      other float64 [r], NaN where it was not measured. Shares are of 1, times
      are in seconds, volumes in MiB.
    summary: what `summary.json` holds; empty before the run is done.
    is_done: whether the run is complete.
    failure: the line that says why it failed; None: it did not.
  """

  path: pathlib.Path
  config: Mapping[str, Any]
  rows: Mapping[str, np.ndarray]
  summary: Mapping[str, Any]
  is_done: bool
  failure: Optional[str] = None

  def __repr__(self) -> str:
    state = 'done' if self.is_done else self.failure or 'unfinished'
    last = ', '.join(
      f'{name}={self.last(name):.4f}'
      for name in ('test/accuracy', 'attack/error_rate', 'attack/success_rate')
      if name in self.rows and self.last(name) is not None
    )
    return f'Result({str(self.path)!r}, {state}{", " if last else ""}{last})'

  def experiment(self) -> Experiment:
    """Returns what was run, for another run of it.

    Raises:
      ConfigError: this flsec, or a plug-in, no longer knows something of it.
    """
    return loading.load(str(self.path / run_directory.CONFIG))

  def last(self, metric: str) -> Optional[float]:
    """Returns a metric's last measured value; None: it never was.

    Args:
      metric: such as `test/accuracy`.
    """
    values = self.rows.get(metric, np.zeros(0))
    known = values[~np.isnan(values)]
    return float(known[-1]) if len(known) else None

  def frame(self) -> 'pandas.DataFrame':
    """Returns `rows` as a pandas frame, a row a round.

    Raises:
      ModuleNotFoundError: pandas is not installed; it comes with
        `pip install pandas`.
    """
    return _pandas().DataFrame(dict(self.rows))

  def figures(self) -> 'dict[str, Figure]':
    """Draws the report's pictures that there are numbers for, by name."""
    from flsec.reporting import plots

    return _drawn(plots.pictures(self._cell))

  def table(self) -> str:
    """Returns the table that `flsec run` prints."""
    from flsec.reporting import formats, run_tables

    return formats.to_text(run_tables.run_table(self._cell))

  def weights(self) -> np.ndarray:
    """Returns the global weights of the last checkpoint.

    Returns:
      float32, all weights of the model in Keras' order, frozen ones included,
      each row-major.

    Raises:
      ValueError: there is no checkpoint, or it is damaged.
    """
    from flsec.experiment import checkpoint

    leaves = checkpoint.read(self.path / run_directory.CHECKPOINTS)
    return np.asarray(leaves['state', 'weights'])

  def model(self) -> 'tf.keras.Model':
    """Returns the trained Keras model; `config` and `model.json` say its input.

    Raises:
      ValueError: the run is not done.
    """
    from flsec.experiment import keras_export

    return keras_export.read_model(self.path)

  @functools.cached_property
  def _cell(self) -> cell_lib.Cell:
    return cell_lib.read_cell(self.path)


@dataclasses.dataclass(frozen=True)
class Sweep(Mapping[str, Result]):
  """The runs of a sweep by the names of their cells, in their order.

  Attributes:
    path: the folder that holds them.
    results: the cells that have begun, by name, such as
      `aggregator=krum,seed=1`.
    failures: the line that says why, of each cell that failed.
  """

  path: pathlib.Path
  results: Mapping[str, Result]
  failures: Mapping[str, str] = dataclasses.field(default_factory=dict)

  def __getitem__(self, name: str) -> Result:
    return self.results[name]

  def __iter__(self) -> Iterator[str]:
    return iter(self.results)

  def __len__(self) -> int:
    return len(self.results)

  def frame(self) -> 'pandas.DataFrame':
    """Returns all rows in one pandas frame, with the column `cell` in front.

    Raises:
      ModuleNotFoundError: as of `Result.frame`.
    """
    pandas = _pandas()
    frames = {name: result.frame() for name, result in self.results.items()}
    joined = pandas.concat(frames, names=['cell'])
    return joined.reset_index('cell').reset_index(drop=True)

  def figures(self) -> 'dict[str, Figure]':
    """Draws the pictures that compare the cells, heat maps first, by name."""
    from flsec.reporting import comparison_plots

    return _drawn(comparison_plots.pictures(self._cells))

  def tables(self) -> dict[str, str]:
    """Returns the tables that `flsec report` prints, by name."""
    from flsec.reporting import formats, report

    contents = report.compare(self.path, self._cells)
    return {one.name: formats.to_text(one) for one in contents.tables}

  @property
  def _cells(self) -> list[cell_lib.Cell]:
    return [one._cell for one in self.results.values()]


def load(path: Path) -> Result:
  """Reads a run from its folder, finished or not.

  Args:
    path: the folder of one run, such as `runs/quickstart/seed=1`.

  Raises:
    ValueError: it holds no run, several, or a damaged file.
  """
  folder = pathlib.Path(path)
  if not cell_lib.is_cell(folder):
    cells = cell_lib.find_cells(folder)
    raise ValueError(
      f'{folder} holds {len(cells)} runs; `flsec.load_sweep` reads them all. '
      f'One is {cells[0].path}.'
    )
  cell = cell_lib.read_cell(folder)
  summary = folder / run_directory.SUMMARY
  return Result(
    path=folder,
    config=cell.config,
    rows=_columns(cell.rows),
    summary=json.loads(summary.read_text(encoding='utf-8'))
    if summary.exists()
    else {},
    is_done=cell.is_done,
    failure=cell.failure,
  )


def is_run(path: Path) -> bool:
  """Tells whether a folder is that of one run, however far it got."""
  return cell_lib.is_cell(pathlib.Path(path))


def load_sweep(path: Path) -> Sweep:
  """Reads every run in a folder and below.

  Args:
    path: the folder of an experiment, such as `runs/quickstart`.

  Raises:
    ValueError: it holds none, or a damaged file.
  """
  folder = pathlib.Path(path)
  found = {
    str(cell.path.relative_to(folder)): load(cell.path)
    for cell in cell_lib.find_cells(folder)
  }
  failures = {n: one.failure for n, one in found.items() if one.failure}
  return Sweep(folder, found, failures)


def _columns(rows: list[metric_rows.Row]) -> dict[str, np.ndarray]:
  columns = {}
  for name in metric_rows.columns_of(rows):
    if name == metric_rows.ROUND:
      columns[name] = np.array([row[name] for row in rows], np.int64)
    elif name == metric_rows.PHASE:
      columns[name] = np.array([str(row.get(name, '')) for row in rows])
    else:
      values = [row.get(name, np.nan) for row in rows]
      columns[name] = np.array(values, np.float64)
  return columns


def _drawn(pictures: Any) -> 'dict[str, Figure]':
  from flsec.reporting import style

  with style.context():
    drawn = {one.name: one.draw() for one in pictures}
  return {name: figure for name, figure in drawn.items() if figure is not None}


def _pandas() -> Any:
  try:
    import pandas
  except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
      'pandas is not installed: `pip install pandas` adds it. `rows` holds the '
      'same numbers as NumPy arrays.',
      name='pandas',
    ) from error
  return pandas
