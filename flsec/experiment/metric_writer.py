"""One writer for every number of a run: CSV, JSON lines and loggers."""

import contextlib
import itertools
import pathlib
from collections.abc import Mapping
from typing import Any, Callable, Optional, Union

from flsec import atomic_file
from flsec.experiment import hyperparameters, metric_rows, run_directory
from flsec.loggers.logger import Logger, Run

# Of a row, what is no number to be drawn.
_PLACE = (metric_rows.ROUND, metric_rows.PHASE)


class MetricWriter(contextlib.AbstractContextManager):
  """Writes one row a round to every sink.

  Each row is on the disk, whole, when `write_row` returns. A run that is
  killed and resumed leaves the same `metrics.csv` and `metrics.jsonl`, bit for
  bit, as one that was not (the `time/` columns aside).

  Attributes:
    rows: all rows so far, those before a resume among them.
  """

  def __init__(
    self,
    directory: Union[str, pathlib.Path],
    *,
    resume_after: int = 0,
    is_kept: Callable[[metric_rows.Row], bool] = lambda row: False,
    logger: Optional[Logger] = None,
    config: Optional[Mapping[str, Any]] = None,
  ) -> None:
    """Opens the sinks.

    Args:
      directory: the cell's folder.
      resume_after: rows that there were at the checkpoint that the run
        continues from; 0 starts anew. Later ones are dropped from the files,
        and superseded in the logger.
      is_kept: of the later rows, the first for which this holds stay: they are
        their own record.
      logger: is given all that is written here.
      config: what it is told of the run: as `flsec.config.dump.to_dict` gives
        it.

    Raises:
      ValueError: the first `resume_after` rows are not all there.
    """
    folder = pathlib.Path(directory)
    self._csv = folder / run_directory.METRICS_CSV
    self._jsonl = folder / run_directory.METRICS_JSONL
    found = metric_rows.read_rows(self._jsonl)
    if len(found) < resume_after:
      raise ValueError(
        f'{self._jsonl} has {len(found)} rows, but the checkpoint was saved '
        f'after {resume_after}: rows are missing. Restore the file, or move '
        f'{folder} away and start the run anew.'
      )
    later = itertools.takewhile(is_kept, found[resume_after:])
    self.rows = [*found[:resume_after], *later]
    self._columns = metric_rows.columns_of(self.rows)
    self._rewrite_jsonl()
    self._rewrite_csv()
    self._logger = logger or Logger()
    self._logger.begin(_run(folder, config or {}, len(self.rows) + 1))

  def write_row(self, round_number: int, metrics: Mapping[str, Any]) -> None:
    """Writes the numbers of a round, once, to every sink.

    A metric may be missing in some rounds (evaluation every k rounds) and may
    first appear in any round.

    Args:
      round_number: higher than that of the row before, or the same in another
        step of a phase (see `metric_rows.follows`).
      metrics: numbers by name, `group/what_unit`; the order of new names is
        the order of the columns.

    Raises:
      ValueError: the round does not rise.
      TypeError: a metric is not one number.
    """
    row = metric_rows.make_row(round_number, metrics)
    if self.rows and not metric_rows.follows(row, self.rows[-1]):
      raise ValueError(
        f'Rounds must rise: round {round_number} was given after round '
        f'{self.rows[-1][metric_rows.ROUND]}.'
      )
    # The record first: a process killed between the two has its CSV made from
    # the record when it resumes.
    atomic_file.append_line(self._jsonl, metric_rows.to_json_line(row))
    self.rows.append(row)
    known = len(self._columns)
    self._columns = metric_rows.columns_of([dict.fromkeys(self._columns), row])
    if len(self._columns) > known:
      self._rewrite_csv()
    else:
      atomic_file.append_line(
        self._csv, metric_rows.to_csv_line(self._columns, row)
      )
    self._logger.scalars(
      len(self.rows),
      {name: value for name, value in row.items() if name not in _PLACE},
    )

  def write_text(self, name: str, text: str, step: int = 0) -> None:
    """Shows a text (Markdown)."""
    self._logger.text(step, name, text)

  def write_image(self, name: str, image: Any, step: int) -> None:
    """Shows a picture, uint8 or float in [0, 1], [h, w, 1 | 3 | 4]."""
    self._logger.image(step, name, image)

  def write_histogram(self, name: str, values: Any, step: int) -> None:
    """Shows the distribution of numbers of any shape."""
    self._logger.histogram(step, name, values)

  def close(self) -> None:
    """Closes the sinks."""
    logger, self._logger = self._logger, Logger()
    logger.close()

  def __exit__(self, *error: Any) -> None:
    self.close()

  def _rewrite_csv(self) -> None:
    atomic_file.write_atomically(
      self._csv, metric_rows.to_csv(self._columns, self.rows)
    )

  def _rewrite_jsonl(self) -> None:
    lines = [metric_rows.to_json_line(row) + '\n' for row in self.rows]
    atomic_file.write_atomically(self._jsonl, ''.join(lines))


def _run(folder: pathlib.Path, config: Mapping[str, Any], first: int) -> Run:
  return Run(
    experiment=config.get('name', folder.parent.name),
    cell=folder.name,
    directory=folder,
    config=config,
    settings=hyperparameters.hyperparameters(config),
    first_step=first,
  )
