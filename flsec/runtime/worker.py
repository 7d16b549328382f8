"""Starts TFF's worker so that it never outlives this process, and talks to it.

`flsec.runtime.worker_binary` starts the process itself.
"""

import atexit
from typing import Any

import grpc
import portpicker
import tensorflow_federated as tff

from flsec.runtime import worker_binary

# gRPC messages stop at 2 GB.
MAX_MESSAGE_BYTES = 2 * 1000 * 1000 * 1000
CHANNEL_OPTIONS = (
  ('grpc.max_message_length', MAX_MESSAGE_BYTES),
  ('grpc.max_receive_message_length', MAX_MESSAGE_BYTES),
  ('grpc.max_send_message_length', MAX_MESSAGE_BYTES),
  # Workers are on this machine or in a private network.
  ('grpc.enable_http_proxy', 0),
)


class Worker:
  """A TFF worker process on this machine.

  Attributes:
    port: where it listens.
  """

  def __init__(self, port: int = 0):
    """Starts the worker and waits until it listens.

    Args:
      port: to listen on; 0 picks a free one.

    Raises:
      RuntimeError: the binary is missing, or did not start.
    """
    self.port = port or portpicker.pick_unused_port()
    self._process = worker_binary.start(self.port)
    atexit.register(self.close)
    try:
      worker_binary.wait_until_it_listens(self._process, self.port)
    except BaseException:
      self.close()
      raise

  @property
  def target(self) -> str:
    return f'localhost:{self.port}'

  @property
  def pid(self) -> int:
    return self._process.pid

  def is_running(self) -> bool:
    return self._process.poll() is None

  def close(self) -> None:
    """Ends the worker and waits for it; safe to call again."""
    worker_binary.stop(self._process)
    atexit.unregister(self.close)


def remote_executor_factory(target: str) -> Any:
  """Returns a TFF executor factory that talks to a worker at `host:port`."""
  return executor_factory(grpc.insecure_channel(target, CHANNEL_OPTIONS))


def executor_factory(channel: Any) -> Any:
  """Returns a TFF executor factory that talks through a gRPC channel."""
  stub = tff.framework.RemoteExecutorGrpcStub(channel)

  def stack(cardinalities: Any) -> Any:
    executor = tff.framework.RemoteExecutor(stub)
    executor.set_cardinalities({tff.CLIENTS: cardinalities.get(tff.CLIENTS, 0)})
    return executor

  return tff.framework.ResourceManagingExecutorFactory(stack)
