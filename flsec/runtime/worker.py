"""Starts TFF's worker so that it never outlives this process.

The worker runs whatever it is sent, so nobody else may reach it: it listens in
a network of its own, and this process talks to it through a socket in a folder
that only this user may enter (`worker_gate`). Imports no TensorFlow.
"""

import atexit
import functools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from typing import Optional

import portpicker
from absl import logging

from flsec.runtime import worker_binary, worker_gate

# Of a network in which nobody else is.
_PRIVATE_PORT = 10000
_LONGEST_PLACE = 60


class Worker:
  """A TFF worker on this machine, for this process alone.

  Where the system denies it a network of its own, it listens on every interface
  of the machine, and a warning says so.

  Attributes:
    target: what a gRPC channel to it is opened with.
  """

  def __init__(self):
    """Starts the worker and waits until it listens.

    Raises:
      RuntimeError: the binary is missing, or did not start.
    """
    worker_binary.path()  # If it is missing, this process is the one to say so.
    self.target, self._process = _start_gate() or _start_open()
    atexit.register(self.close)

  @property
  def pid(self) -> int:
    """The process that everything of the worker ends with."""
    return self._process.pid

  def is_running(self) -> bool:
    """Tells whether the worker has not ended."""
    return self._process.poll() is None

  def close(self) -> None:
    """Ends the worker and waits for it; safe to call again."""
    worker_binary.stop(self._process)
    if self._process.stdout is not None:  # Of a gate, which may be killed.
      self._process.stdout.close()
      shutil.rmtree(_folder(self.target), ignore_errors=True)
    atexit.unregister(self.close)


def _folder(target: str) -> str:
  return os.path.dirname(target.removeprefix(worker_gate.UNIX))


def _start_gate() -> Optional[tuple[str, subprocess.Popen]]:
  """Starts a worker behind a gate; returns None where the system denies it."""
  # The path of a socket has 107 bytes at most.
  place = '/tmp' if len(tempfile.gettempdir()) > _LONGEST_PLACE else None
  folder = tempfile.mkdtemp(prefix='flsec-worker-', dir=place)  # Mode 0700.
  target = f'{worker_gate.UNIX}{folder}/socket'
  # Errors go elsewhere: gRPC's threads of this process, cut off by the fork,
  # may say something in the gate's name before it is one.
  with tempfile.TemporaryFile('w+') as errors:
    gate = subprocess.Popen(
      [sys.executable, '-m', worker_gate.__name__, target, str(_PRIVATE_PORT)],
      stdin=subprocess.DEVNULL,
      stdout=subprocess.PIPE,
      stderr=errors,
      text=True,
      start_new_session=True,
      preexec_fn=functools.partial(
        worker_binary.die_with, os.getpid(), signal.SIGTERM
      ),
    )
    try:
      # It says this one word, or ends without any.
      if gate.stdout.readline().strip() == worker_gate.READY:
        return target, gate
      gate.wait()
    except BaseException:
      worker_binary.stop(gate)
      raise
    gate.stdout.close()
    errors.seek(0)
    said = errors.read().strip()
  if gate.returncode == worker_gate.EXIT_NO_NAMESPACE:
    return None
  raise RuntimeError(f"The gate of TFF's worker did not open: {said}")


def _start_open() -> tuple[str, subprocess.Popen]:
  port = portpicker.pick_unused_port()
  logging.warning(
    "TFF's worker listens at port %d on every interface of this machine and "
    'runs whatever it is sent: this system does not let flsec put it into a '
    'network of its own (unshare). Allow user namespaces, close the port to '
    'others by a firewall, or use runtime.context=in_process.',
    port,
  )
  process = worker_binary.start(port)
  try:
    worker_binary.wait_until_it_listens(process, port)
  except BaseException:
    worker_binary.stop(process)
    raise
  return f'localhost:{port}', process
