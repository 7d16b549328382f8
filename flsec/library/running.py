"""Runs experiments and sweeps for Python code."""

import os
import pathlib
import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Optional, Union

from flsec.config import loading, sizes
from flsec.data import locate
from flsec.experiment import folder_lock
from flsec.library import result, sources
from flsec.library.sources import Source
from flsec.runtime import threads
from flsec.sweeps import running
from flsec.sweeps.task import Options, Outcome

Path = Union[str, 'os.PathLike[str]']


def run(
  experiment: Source,
  *,
  output_dir: Path = 'runs',
  data_dir: Optional[Path] = None,
  resume: bool = True,
  progress: bool = True,
  size: str = sizes.FULL,
  **changes: Any,
) -> result.Result:
  """Runs one experiment, or goes on with it, and reads what it has left.

  As `flsec run` does: a run that was finished before is only read, one that
  was interrupted goes on, and the same experiment from the command line shares
  the folder and gives the same bits. In a notebook, interrupt the kernel and
  call it again.

      result = flsec.run('quickstart', rounds=3, attack__num_byzantine=2)
      result.rows['test/accuracy']

  Args:
    experiment: a YAML file, the name of one that comes with flsec, a mapping as
      the file would hold it, or an `Experiment`.
    output_dir: the run is written to `output_dir/NAME/CELL`.
    data_dir: folder of the data sets; None: $FLSEC_DATA_DIR, else `data`.
    resume: whether an unfinished run may be continued.
    progress: whether to show on stderr how far the run is.
    size: which of the experiment's sizes.
    **changes: values to change, as `--set` does: `rounds=3`, and with `__` for
      the dot of a path, `attack__scale=10`; a section takes a mapping.

  Raises:
    ConfigError: something in the experiment is wrong, or it is a sweep.
    ValueError: the folder is of another experiment, data is missing or broken,
      or a round went astray.
  """
  cell = sources.single(
    sources.cells_of(experiment, changes, {}, size), experiment
  )
  root = pathlib.Path(output_dir) / cell.experiment.name
  _run([cell], root, data_dir, resume, progress)
  return result.load(root / cell.name)


def sweep(
  experiment: Source,
  grid: Optional[Mapping[str, Sequence[Any]]] = None,
  *,
  output_dir: Path = 'runs',
  data_dir: Optional[Path] = None,
  resume: bool = True,
  jobs: Optional[int] = None,
  fail_fast: bool = False,
  progress: bool = True,
  size: str = sizes.FULL,
  **changes: Any,
) -> result.Sweep:
  """Runs a cell for each choice of a grid, and reads what they have left.

      swept = flsec.sweep(
        'quickstart', {'server.aggregator': ['mean', 'median'], 'seed': [1, 2]}
      )
      swept.figures()['map_accuracy_last']

  Args:
    experiment: as of `run`.
    grid: path -> values; beside or in place of what the experiment's own
      `sweep` varies.
    output_dir: as of `run`.
    data_dir: as of `run`.
    resume: as of `run`.
    jobs: cells at once, each in a process of its own; None: as many as there
      are cores and memory for.
    fail_fast: whether a cell that fails ends the others.
    progress: as of `run`.
    size: as of `run`.
    **changes: as of `run`, in every cell.

  Returns:
    The cells that have begun, by name. Those that failed are in `failures`, and
    a warning says so.

  Raises:
    ConfigError: something in one of the cells is wrong; then none is run.
    ValueError: a folder is of another experiment.
  """
  cells = sources.cells_of(experiment, changes, grid or {}, size)
  root = pathlib.Path(output_dir) / cells[0].experiment.name
  outcomes = _run(
    cells, root, data_dir, resume, progress, jobs=jobs, fail_fast=fail_fast
  )
  failures = {o.task.name: o.failure for o in outcomes if o.failure is not None}
  if failures:
    warnings.warn(
      f'{len(failures)} of {len(cells)} cells failed: '
      + '; '.join(f'{name}: {line}' for name, line in failures.items()),
      RuntimeWarning,
      stacklevel=2,
    )
  found = {
    cell.name: result.load(root / cell.name)
    for cell in cells
    if result.is_run(root / cell.name)
  }
  return result.Sweep(root, found, failures)


def _run(
  cells: Sequence[loading.Cell],
  root: pathlib.Path,
  data_dir: Optional[Path],
  resume: bool,
  progress: bool,
  *,
  jobs: Optional[int] = None,
  fail_fast: bool = False,
) -> list[Outcome]:
  """Runs the cells that are not done."""
  tasks = running.tasks(cells, root)
  pending = [t for t in tasks if not running.is_done(t, resume, _silent)]
  if not pending:
    return []
  if len(tasks) > 1:
    folder_lock.make(root)  # One line where it cannot be written, not many.
  folder = locate.default_data_dir() if data_dir is None else str(data_dir)
  return running.run(
    pending,
    len(tasks),
    Options(data_dir=folder, resume=resume),
    running.Wishes(
      say=_say if progress and len(tasks) > 1 else _silent,
      show=_written,
      jobs=jobs,
      fail_fast=fail_fast,
      is_quiet=not progress,
      configure=threads.settle,
      owns_process=False,
    ),
  )


def _say(line: str) -> None:
  print(line, file=sys.stderr, flush=True)


def _silent(line: str) -> None:
  del line


def _written(directory: pathlib.Path) -> None:
  """Writes the report of a finished cell, as `flsec run` does."""
  from flsec.reporting import report

  report.write_report(directory)
