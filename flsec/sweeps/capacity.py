"""How many cells run side by side."""

from typing import Callable, Optional

CPU = '/CPU:0'


class Capacity:
  """Says how many cells may run at once; learns from those that do.

  Where nobody says how many: as many as there are cores (each with as many
  threads as one cell is configured to have), and as memory holds. How much a
  cell takes is known once the first has read its data and built its model, so
  that one goes ahead. An accelerator takes one cell at a time.

  Attributes:
    most: how many cells may run at once, as far as is known.
  """

  def __init__(
    self,
    cores: int,
    num_tasks: int,
    *,
    wanted: Optional[int] = None,
    threads: Optional[int] = None,
    available_bytes: Callable[[], int],
  ) -> None:
    """Knows the machine.

    Args:
      cores: that may be used.
      num_tasks: cells to be run.
      wanted: how many the user asks for; None: it is found out.
      threads: of each cell, where the experiment says so.
      available_bytes: returns the memory that there is, before the first cell.
    """
    self._cores = cores
    self._wanted = wanted
    self.most = min(num_tasks, wanted or max(1, cores // (threads or 1)))
    self._available = available_bytes()
    self._bytes: Optional[int] = None

  @property
  def limit(self) -> int:
    """How many cells may run now."""
    if self._wanted is None and self._bytes is None:
      return 1
    return self.most

  @property
  def share(self) -> int:
    """The cores of a cell that is started now."""
    return max(1, self._cores // self.most)

  def learn(self, cell_bytes: int, device: str) -> None:
    """Takes note of what a cell takes: memory, and the device it runs on."""
    self._bytes = max(cell_bytes, self._bytes or 1)
    if self._wanted is not None:
      return
    if device != CPU:
      self.most = 1
    self.most = max(1, min(self.most, self._available // self._bytes))

  def shrink(self, running: int) -> None:
    """Takes note that memory did not suffice for one more than are running."""
    self.most = max(1, min(self.most, running))
