"""Starts TFF's worker binary so that it never outlives this process."""

import atexit
import ctypes
import os
import pathlib
import signal
import socket
import subprocess
import time
from typing import Any

import grpc
import portpicker
import tensorflow_federated as tff

_BINARY = pathlib.Path(tff.__file__).parent / 'data' / 'worker_binary'
_START_SECONDS = 60.0
_POLL_SECONDS = 0.05
_STOP_SECONDS = 5.0
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)
# gRPC messages stop at 2 GB.
_MAX_MESSAGE_BYTES = 2 * 1000 * 1000 * 1000
CHANNEL_OPTIONS = (
  ('grpc.max_message_length', _MAX_MESSAGE_BYTES),
  ('grpc.max_receive_message_length', _MAX_MESSAGE_BYTES),
  ('grpc.max_send_message_length', _MAX_MESSAGE_BYTES),
)


class Worker:
  """A TFF worker process on this machine.

  It holds none of this process's pipes, so that `flsec run ... | tail` ends
  when the run ends; it is not in the terminal's process group, so that Ctrl-C
  reaches flsec first; and the kernel kills it when flsec dies, however that
  happens.

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
    if not _BINARY.is_file():
      raise RuntimeError(
        f'TFF installed no worker at {_BINARY}. Install the lock again '
        '(make setup), or use runtime.context=in_process.'
      )
    self.port = port or portpicker.pick_unused_port()
    self._process = subprocess.Popen(
      [str(_BINARY), f'--port={self.port}'],
      stdin=subprocess.DEVNULL,
      stdout=subprocess.DEVNULL,
      stderr=subprocess.DEVNULL,
      start_new_session=True,
      preexec_fn=_die_with_parent,
    )
    atexit.register(self.close)
    try:
      self._wait_until_it_listens()
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
    if self.is_running():
      self._process.terminate()
      try:
        self._process.wait(_STOP_SECONDS)
      except subprocess.TimeoutExpired:
        self._process.kill()
        self._process.wait()
    atexit.unregister(self.close)

  def _wait_until_it_listens(self) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
      if not self.is_running():
        raise RuntimeError(
          f'TFF worker ended at once with code {self._process.returncode}; is '
          f'port {self.port} taken?'
        )
      try:
        socket.create_connection(('localhost', self.port), 1.0).close()
        return
      except OSError:
        time.sleep(_POLL_SECONDS)
    raise RuntimeError(
      f'TFF worker did not listen on port {self.port} within '
      f'{_START_SECONDS:.0f} s.'
    )


def remote_executor_factory(target: str) -> Any:
  """Returns a TFF executor factory that talks to a worker at `host:port`."""
  channel = grpc.insecure_channel(target, CHANNEL_OPTIONS)
  stub = tff.framework.RemoteExecutorGrpcStub(channel)

  def stack(cardinalities: Any) -> Any:
    executor = tff.framework.RemoteExecutor(stub)
    executor.set_cardinalities({tff.CLIENTS: cardinalities.get(tff.CLIENTS, 0)})
    return executor

  return tff.framework.ResourceManagingExecutorFactory(stack)


def _die_with_parent() -> None:
  _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
  if os.getppid() == 1:  # The parent died before the call.
    os._exit(1)
