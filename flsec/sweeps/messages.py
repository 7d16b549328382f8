"""What the process of a cell tells the one that started it."""

import dataclasses
from typing import Any, Optional

from flsec.config.errors import ConfigError
from flsec.experiment.progress import SHOWN, Watcher


@dataclasses.dataclass(frozen=True)
class Assembled:
  """Data are read and the model is built.

  Attributes:
    bytes: that the cell takes and will take, in a process of its own.
    device: that it runs on, TensorFlow's name.
  """

  bytes: int
  device: str


@dataclasses.dataclass(frozen=True)
class Begun:
  """Training begins.

  Attributes:
    num_rounds: of the whole run; None: its phases will tell.
    finished: rounds that an earlier session has finished.
  """

  num_rounds: Optional[int]
  finished: int


@dataclasses.dataclass(frozen=True)
class Round:
  """A round is finished.

  Attributes:
    number: the round.
    metrics: those that progress shows.
  """

  number: int
  metrics: dict[str, float]


@dataclasses.dataclass(frozen=True)
class Refused:
  """A cell cannot be run as it is configured.

  Attributes:
    path: as in `ConfigError`.
    message: as in `ConfigError`.
  """

  path: str
  message: str

  def error(self, cell: str) -> ConfigError:
    """Returns what is raised of it."""
    return ConfigError(self.path, self.message, cell)


@dataclasses.dataclass(frozen=True)
class Ended:
  """The cell is done, or failed.

  Attributes:
    failure: the line that says why it failed; None: it is done.
    lacks_memory: whether it failed for want of memory.
  """

  failure: Optional[str] = None
  lacks_memory: bool = False


class Sender(Watcher):
  """Tells another process how far a run is."""

  def __init__(self, connection: Any, own_bytes: Any) -> None:
    """Tells nothing yet.

    Args:
      connection: has a method `send`.
      own_bytes: returns how much memory this process takes alone.
    """
    self._send = connection.send
    self._own_bytes = own_bytes

  def assembled(self, needed_bytes: int, device: str) -> None:
    self._send(Assembled(needed_bytes + self._own_bytes(), device))

  def begin(self, num_rounds: Optional[int], finished: int, label: str) -> None:
    self._send(Begun(num_rounds, finished))

  def update(self, round_number: int, metrics: Any) -> None:
    kept = {n: float(metrics[n]) for n in SHOWN if metrics.get(n) is not None}
    self._send(Round(round_number, kept))
