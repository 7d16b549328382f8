"""The clients of a run, and the computations that are run on them."""

import contextlib
from collections.abc import Hashable
from typing import Any, Callable

import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from flsec.config import schema
from flsec.experiment.assembly import Assembly, select_clients
from flsec.experiment.client_pool import ClientPool
from flsec.runtime import build
from flsec.runtime.device import Device
from flsec.runtime.runtime import Runtime


class Clients:
  """The clients of a run, and what is run on them.

  Attributes:
    assembled: the experiment, put together.
  """

  def __init__(
    self, experiment: schema.Experiment, assembled: Assembly, device: Device
  ) -> None:
    """Prepares; nothing is started yet."""
    self.assembled = assembled
    self._experiment, self._device = experiment, device
    batch_size = experiment.clients.batch_size
    self._pool = ClientPool(
      assembled.federation,
      assembled.malicious,
      experiment.seed,
      batch_size=batch_size if assembled.plan.padded else None,
    )
    self._stack = contextlib.ExitStack()
    self._runtimes: dict[Hashable, Runtime] = {}

  def close(self) -> None:
    """Ends every runtime."""
    self._stack.close()

  def runtime(
    self,
    key: Hashable,
    build_process: Callable[[], tff.templates.IterativeProcess],
    *,
    concatenates: bool = False,
  ) -> Runtime:
    """Returns the runtime of a process, which is built once for each key."""
    if key not in self._runtimes:
      self._runtimes[key] = self._stack.enter_context(
        build.build_runtime(
          self._experiment.runtime,
          build_process(),
          self._device,
          concatenates=concatenates,
        )
      )
    return self._runtimes[key]

  def of_round(self, round_number: int) -> list[Any]:
    """Returns the clients that take part in a round."""
    ids = select_clients(
      self._experiment, self.assembled.malicious, round_number
    )
    return self._pool.structs(ids)

  def exchange(
    self,
    key: Hashable,
    build_process: Callable[[], tff.templates.IterativeProcess],
    asked: Any,
  ) -> dict[str, Any]:
    """Runs one exchange with all clients; returns its output as lists."""
    runtime = self.runtime(key, build_process)
    everyone = np.arange(self.assembled.federation.num_clients)
    asked = tf.nest.map_structure(tf.convert_to_tensor, asked)
    _, output = runtime.next(asked, self._pool.structs(everyone))
    return {name: np.asarray(value).tolist() for name, value in output.items()}
