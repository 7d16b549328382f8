"""What every runtime offers to the round loop."""

import abc
from collections.abc import Sequence
from typing import Any

import tensorflow_federated as tff


class UnsupportedProcessError(ValueError):
  """A process that a runtime cannot run, though another one can."""


class Runtime(abc.ABC):
  """Runs one iterative process; a context manager that leaves nothing behind.

  State and metrics are nests of ordered dicts with NumPy-convertible leaves,
  in the structure of the process's TFF types.
  """

  def __init__(self, process: tff.templates.IterativeProcess):
    self.process = process
    # Seconds of the last round by stage, where the runtime can tell.
    self.stage_seconds: dict[str, float] = {}

  @abc.abstractmethod
  def initialize(self) -> Any:
    """Returns the state before round 1."""

  @abc.abstractmethod
  def next(self, state: Any, clients: Sequence[Any]) -> tuple[Any, Any]:
    """Runs one round.

    Args:
      state: as `initialize` or the last `next` returned it.
      clients: one struct for each client that takes part, by client id.

    Returns:
      The next state, and the round's metrics.
    """

  @abc.abstractmethod
  def close(self) -> None:
    """Ends every process and thread that this runtime started."""

  def __enter__(self) -> 'Runtime':
    return self

  def __exit__(self, *error: Any) -> None:
    self.close()
