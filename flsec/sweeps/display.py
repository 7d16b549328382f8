"""Tells a person at the terminal how far a sweep is."""

import sys
import time
from collections.abc import Sequence
from typing import Callable, Optional, TextIO

import tqdm

from flsec.experiment import progress
from flsec.sweeps.task import Outcome, Task

_SECONDS_BETWEEN_LINES = 10.0


class Display:
  """One line for all cells: done, running, failed, rounds, time left.

  On a terminal a bar over the rounds of all cells; elsewhere a line whenever
  ten seconds have passed. A line besides for each cell that ends.
  """

  def __init__(
    self,
    tasks: Sequence[Task],
    *,
    done_before: int = 0,
    is_quiet: bool = False,
    stream: Optional[TextIO] = None,
    clock: Callable[[], float] = time.monotonic,
  ) -> None:
    """Begins to show.

    Args:
      tasks: the cells to be run.
      done_before: cells that earlier sessions have finished.
      is_quiet: show nothing.
      stream: where to write; None: stderr.
      clock: seconds, rising.
    """
    self._stream = stream or sys.stderr
    self._clock = clock
    self._is_quiet = is_quiet
    self._num_cells = len(tasks) + done_before
    self._done = done_before
    self._failed = 0
    self._running: set[str] = set()
    # Rounds of each cell: all, finished now, finished before this session.
    self._rounds = {task.name: [task.experiment.rounds, 0, 0] for task in tasks}
    self._started = self._last_line = clock()
    self._bar: Optional[tqdm.tqdm] = None
    bar = progress.bar_for(self._stream)
    if bar is not None and not is_quiet:
      self._bar = bar(
        total=self._total(0),
        unit='round',
        file=self._stream,
        dynamic_ncols=True,
      )

  def started(self, task: Task) -> None:
    """A cell's process is started, perhaps again."""
    self._running.add(task.name)
    self._rounds[task.name][1:] = [0, 0]

  def begun(self, task: Task, num_rounds: Optional[int], finished: int) -> None:
    """A cell's first round of this session begins.

    One of which nobody knows how many rounds it will have counts with those of
    its training, and then with as many as it has finished.
    """
    planned = num_rounds or max(task.experiment.rounds, finished)
    self._rounds[task.name] = [planned, finished, finished]
    self.refresh()

  def round(self, task: Task, number: int) -> None:
    """A cell has finished a round."""
    counts = self._rounds[task.name]
    counts[:2] = [max(counts[0], number), number]
    self.refresh()

  def ended(self, outcome: Outcome) -> None:
    """A cell is done or failed."""
    name = outcome.task.name
    self._running.discard(name)
    if outcome.failure is None:
      self._done += 1
    else:
      # Its rounds will not come.
      self._failed += 1
      self._rounds[name][0] = self._rounds[name][1]
    self.say(self._line_of(outcome))
    self.refresh()

  def given_back(self, task: Task) -> None:
    """A cell is no longer run; it will be started again."""
    self._running.discard(task.name)

  def say(self, line: str) -> None:
    """Prints a line, unless quiet."""
    if self._is_quiet:
      return
    if self._bar is not None:
      self._bar.write(line, file=self._stream)
    else:
      self._write(line)

  def refresh(self) -> None:
    """Shows what changed, where it is time to."""
    if self._is_quiet:
      return
    if self._bar is not None:
      self._bar.total = self._total(0)
      self._bar.set_description_str(self._cells(), refresh=False)
      self._bar.update(self._total(1) - self._bar.n)
    elif self._clock() - self._last_line >= _SECONDS_BETWEEN_LINES:
      self._last_line = self._clock()
      self._write(f'{self._cells()}: {self._rounds_left()}')

  def close(self) -> None:
    """Ends the bar."""
    if self._bar is not None:
      self._bar.close()

  def _total(self, index: int) -> int:
    return sum(counts[index] for counts in self._rounds.values())

  def _cells(self) -> str:
    return (
      f'{self._done}/{self._num_cells} cells done, {len(self._running)} '
      f'running, {self._failed} failed'
    )

  def _rounds_left(self) -> str:
    planned, finished, before = map(self._total, range(3))
    text = f'round {finished}/{planned}'
    seconds = self._clock() - self._started
    rate = (finished - before) / max(seconds, 1e-9)
    if not rate or finished >= planned:
      return text
    return f'{text}, {progress.duration((planned - finished) / rate)} left'

  def _line_of(self, outcome: Outcome) -> str:
    count = f'[{self._done + self._failed}/{self._num_cells}]'
    seconds = progress.duration(outcome.seconds)
    if outcome.failure is not None:
      return f'{count} {outcome.task.name}: FAILED: {outcome.failure}'
    values = progress.shown(outcome.metrics)
    words = ''.join(f', {name} {text}' for name, text in values.items())
    return f'{count} {outcome.task.name}: done in {seconds}{words}'

  def _write(self, line: str) -> None:
    self._stream.write(f'{line}\n')
    self._stream.flush()
