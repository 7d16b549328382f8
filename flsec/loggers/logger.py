"""What a logger is: a hook that is given what a run records.

The record itself is `metrics.jsonl`, whatever loggers do with their copy.
"""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Run:
  """The run that a logger hears of.

  Attributes:
    experiment: its name.
    cell: its place in the sweep, such as `aggregator=krum,seed=1`.
    directory: its folder, in which a logger may keep files of its own.
    config: the resolved configuration, as YAML holds it.
    settings: the same by dotted paths, one plain value each.
    first_step: the first that will be told: 1, or behind the rows that a run
      has which is resumed. Later ones that an earlier session has told are
      superseded.
  """

  experiment: str
  cell: str
  directory: pathlib.Path
  config: Mapping[str, Any]
  settings: Mapping[str, Any]
  first_step: int = 1

  @property
  def name(self) -> str:
    """Names the run among those of all experiments."""
    return f'{self.experiment}/{self.cell}'


class Logger:
  """Is given what a run records; this one does nothing with it.

  A step is a row of `metrics.jsonl`; step 0 comes before the first.

  Attributes:
    may_fail: whether a run goes on without the logger when it raises an error
      after `begin`, as one should that needs a network. Else the run ends.
  """

  may_fail = False

  def begin(self, run: Run) -> None:
    """A session of a run begins."""

  def scalars(self, step: int, values: Mapping[str, float]) -> None:
    """A row is finished: numbers by name, such as `test/accuracy`."""

  def text(self, step: int, name: str, text: str) -> None:
    """A text, in Markdown."""

  def image(self, step: int, name: str, image: Any) -> None:
    """A picture, uint8 or float in [0, 1], [h, w, 1 | 3 | 4]."""

  def histogram(self, step: int, name: str, values: Any) -> None:
    """Numbers of any shape, whose distribution is of interest."""

  def close(self) -> None:
    """The session ends."""


def kept_word(path: pathlib.Path, new: str) -> str:
  """Returns what an earlier session left in a file; else leaves `new` there.

  So a service knows a run again that is resumed.

  Args:
    path: of the file, in the run's folder.
    new: a word.
  """
  if path.exists():
    return path.read_text('utf-8').strip()
  path.write_text(f'{new}\n', 'utf-8')
  return new
