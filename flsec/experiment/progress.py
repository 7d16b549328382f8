"""Tells a person at the terminal how far a run is."""

import importlib.util
import sys
import time
from collections.abc import Mapping
from typing import Any, Callable, Optional, TextIO

import tqdm

from flsec.experiment.metric_rows import PHASE, STEP

# What is shown of a round, if it was measured: metric and short name.
SHOWN = {
  'test/accuracy': 'accuracy',
  'attack/error_rate': 'error rate',
  'attack/success_rate': 'attack success',
  'attack/clean_error_rate': 'without trigger',
}
_SECONDS_BETWEEN_LINES = 10.0
_SHARE_BETWEEN_LINES = 0.1


class Watcher:
  """Is told how far a run is. This one takes no notice."""

  def assembled(self, needed_bytes: int, device: str) -> None:
    """Data are read and the model is built.

    Args:
      needed_bytes: what a round will need besides.
      device: what it will run on, TensorFlow's name.
    """

  def begin(self, num_rounds: Optional[int], finished: int, label: str) -> None:
    """The first round of this session begins.

    Args:
      num_rounds: rounds of the whole run, in which steps of a search count
        likewise; None: only its phases will tell.
      finished: rounds that an earlier session has finished.
      label: names the run.
    """

  def update(self, round_number: int, metrics: Mapping[str, Any]) -> None:
    """A round, or a step of a search, is finished.

    Args:
      round_number: how many are.
      metrics: its row.
    """

  def close(self) -> None:
    """The run ends, or stops."""


class Progress(Watcher):
  """A progress bar over rounds; plain lines where there is no terminal.

  On a terminal: a bar with the latest accuracy and attack metric, rounds per
  second and the time left. Elsewhere (a log file, a pipe): one line whenever
  another tenth of the rounds is done or ten seconds have passed, and one at
  the end. Where nobody knows how many rounds there will be, no time is told; a
  line says the phase and the step in it, and each phase begins with one.
  """

  def __init__(
    self,
    stream: Optional[TextIO] = None,
    clock: Callable[[], float] = time.monotonic,
  ) -> None:
    """Shows nothing yet.

    Args:
      stream: where to write; None: stderr.
      clock: seconds, rising.
    """
    self._stream = stream or sys.stderr
    self._clock = clock
    self._values: dict[str, str] = {}
    self._phase = ''
    self._bar: Optional[tqdm.tqdm] = None

  def begin(self, num_rounds: Optional[int], finished: int, label: str) -> None:
    self._num_rounds = num_rounds
    self._first = finished
    self._label = label
    self._started = self._clock()
    self._last_line = (self._started, finished)
    bar = bar_for(self._stream)
    if bar is not None:
      self._bar = bar(
        total=num_rounds,
        initial=finished,
        desc=label or None,
        unit='round',
        file=self._stream,
        dynamic_ncols=True,
      )

  def update(self, round_number: int, metrics: Mapping[str, Any]) -> None:
    # What was not measured in a round keeps its value; NaN is shown as such.
    self._values.update(shown(metrics))
    phase = metrics.get(PHASE, '')
    is_new, self._phase = phase != self._phase, phase
    if self._bar is not None:
      if is_new:
        self._bar.set_description(f'{self._label}, {phase}', refresh=False)
      self._bar.set_postfix(self._values, refresh=False)
      self._bar.update(round_number - self._bar.n)
    elif is_new or self._is_line_due(round_number):
      step = f'{phase} {metrics[STEP]}' if phase else ''
      self._write_line(round_number, step)

  def close(self) -> None:
    if self._bar is not None:
      self._bar.close()

  def _is_line_due(self, round_number: int) -> bool:
    when, at_round = self._last_line
    if self._num_rounds is None:
      return self._clock() - when >= _SECONDS_BETWEEN_LINES
    step = max(1.0, _SHARE_BETWEEN_LINES * self._num_rounds)
    return (
      round_number >= self._num_rounds
      or round_number - at_round >= step
      or self._clock() - when >= _SECONDS_BETWEEN_LINES
    )

  def _write_line(self, round_number: int, step: str) -> None:
    now = self._clock()
    self._last_line = (now, round_number)
    seconds = max(now - self._started, 1e-9)
    rate = (round_number - self._first) / seconds
    parts = [f'{name} {value}' for name, value in self._values.items()]
    if self._num_rounds is not None:
      parts.append(f'{rate:.2f} rounds/s')
      left = self._num_rounds - round_number
      if left > 0:
        parts.append(f'{duration(left / rate)} left')
      step = f'round {round_number}/{self._num_rounds}'
    label = f'{self._label}: ' if self._label else ''
    self._stream.write(f'{label}{step}: {", ".join(parts)}\n')
    self._stream.flush()


def bar_for(stream: TextIO) -> Optional[type[tqdm.tqdm]]:
  """Returns what draws a bar there; None: lines are written instead.

  On a terminal, and in a notebook, whose stream is none: there a widget where
  ipywidgets is installed, else a line of text that is written over.

  Args:
    stream: where to.
  """
  if 'ipykernel' in sys.modules and stream is sys.stderr:
    if importlib.util.find_spec('ipywidgets') is None:
      return tqdm.tqdm
    from tqdm import notebook

    return notebook.tqdm
  return tqdm.tqdm if stream.isatty() else None


def shown(metrics: Mapping[str, Any]) -> dict[str, str]:
  """Returns what a line says of a round: short names and texts."""
  return {
    name: f'{float(metrics[metric]):.3f}'
    for metric, name in SHOWN.items()
    if metrics.get(metric) is not None
  }


def duration(seconds: float) -> str:
  """Returns 42 s, 3:07 or 2:03:07."""
  whole = round(seconds)
  if whole < 60:
    return f'{whole} s'
  minutes, rest = divmod(whole, 60)
  hours, minutes = divmod(minutes, 60)
  return (
    f'{hours}:{minutes:02d}:{rest:02d}' if hours else f'{minutes}:{rest:02d}'
  )
