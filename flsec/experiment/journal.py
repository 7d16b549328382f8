"""The record of a run: rows, checkpoints, and whoever watches."""

import collections
import contextlib
from collections.abc import Mapping
from typing import Any, Optional

import numpy as np

from flsec.experiment import metric_rows, place
from flsec.experiment.assembly import Assembly
from flsec.experiment.metric_writer import MetricWriter
from flsec.experiment.place import Place, Saved
from flsec.experiment.progress import Watcher
from flsec.experiment.run_directory import RunDirectory
from flsec.loggers.logger import Logger


class Journal(contextlib.AbstractContextManager):
  """Writes what happens, and knows what has happened before.

  After a row of training comes a checkpoint. A step of a search changes no
  state: its row is all there is of it, and is read again after a kill.

  Attributes:
    writer: of rows.
    start: where this session began.
    search_rows: of a search that an earlier session has begun; whoever makes
      the decision again takes them out.
  """

  def __init__(
    self,
    run: RunDirectory,
    assembled: Assembly,
    start: Saved,
    watcher: Watcher,
    logger: Logger,
    config: Mapping[str, Any],
  ) -> None:
    """Opens the record.

    Args:
      run: the run's folder.
      assembled: the experiment; rows of one that only trains name no phase.
      start: the last checkpoint, or the beginning.
      watcher: is told of each row.
      logger: as in `MetricWriter`.
      config: as there.

    Raises:
      ValueError: rows are missing.
    """
    self._checkpoints, self._model = run.checkpoints, assembled.plan.model
    self._phases = tuple(phase.name for phase in assembled.phases)
    self._watcher = watcher
    self.start = start
    # Behind the last phase nothing is left to be searched.
    name = self._phases[min(start.place.phase, len(self._phases) - 1)]
    self.writer = MetricWriter(
      run.path,
      resume_after=start.num_rows,
      is_kept=lambda row: (
        metric_rows.POINT in row and row[metric_rows.PHASE] == name
      ),
      logger=logger,
      config=config,
    )
    self.search_rows = collections.deque(self.writer.rows[start.num_rows :])
    self._rows_before = len(self.writer.rows)

  @property
  def rows_of_session(self) -> int:
    """Rows written so far, those before a resume aside."""
    return len(self.writer.rows) - self._rows_before

  def row(
    self, round_number: int, at: Place, metrics: Mapping[str, Any]
  ) -> None:
    """Writes a row.

    Args:
      round_number: of the last finished round.
      at: the place behind the row.
      metrics: numbers by name.
    """
    if self._phases != ('train',):
      named = {metric_rows.PHASE: self._phases[at.phase]}
      metrics = {**named, metric_rows.STEP: at.step, **metrics}
    self.writer.write_row(round_number, metrics)
    self._watcher.update(len(self.writer.rows), metrics)

  def save(
    self, state: Any, at: Place, best: Optional[np.ndarray] = None
  ) -> None:
    """Saves a checkpoint after the last row."""
    # A checkpoint of a run has the same shapes in every phase.
    best = np.zeros_like(self.start.best) if best is None else best
    saved = Saved(len(self.writer.rows), state, at, best)
    place.save(self._checkpoints, self._model, saved)

  def __exit__(self, *error: Any) -> None:
    self.writer.close()
