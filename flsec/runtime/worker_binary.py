"""TFF's worker binary: found, started, ended. Imports no TensorFlow."""

import ctypes
import functools
import importlib.util
import os
import pathlib
import signal
import socket
import subprocess
import time
from typing import Optional

START_SECONDS = 60.0
_POLL_SECONDS = 0.05
_STOP_SECONDS = 5.0
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


def path() -> pathlib.Path:
  """Returns where TFF installed its worker.

  Raises:
    RuntimeError: it is not there.
  """
  spec = importlib.util.find_spec('tensorflow_federated')
  if spec is None or spec.origin is None:
    raise RuntimeError(
      'TensorFlow Federated is not installed. Install the lock (make setup).'
    )
  binary = pathlib.Path(spec.origin).parent / 'data' / 'worker_binary'
  if not binary.is_file():
    raise RuntimeError(
      f'TFF installed no worker at {binary}. Install the lock again '
      '(make setup), or use runtime.context=in_process.'
    )
  return binary


def start(port: int, threads: Optional[int] = None) -> subprocess.Popen:
  """Starts the binary; it listens on every interface of its network.

  It holds none of this process's pipes, so that `flsec run ... | tail` ends
  when the run ends; it is not in the terminal's process group, so that Ctrl-C
  reaches flsec first; and the kernel kills it when flsec dies, however that
  happens.

  Args:
    port: to listen on.
    threads: clients trained at once, and TensorFlow's threads; None: what the
      environment says.

  Returns:
    The process.
  """
  command = [str(path()), f'--port={port}']
  environment = dict(os.environ)
  if threads is not None:
    command.append(f'--max_concurrent_computation_calls={threads}')
    environment['TF_NUM_INTEROP_THREADS'] = str(threads)
    environment['TF_NUM_INTRAOP_THREADS'] = '1'
  return subprocess.Popen(
    command,
    env=environment,
    stdin=subprocess.DEVNULL,
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
    start_new_session=True,
    preexec_fn=functools.partial(die_with, os.getpid()),
  )


def wait_until_it_listens(process: subprocess.Popen, port: int) -> None:
  """Waits until the binary takes connections on this machine.

  Raises:
    RuntimeError: it ended, or took too long.
  """
  deadline = time.monotonic() + START_SECONDS
  while time.monotonic() < deadline:
    if process.poll() is not None:
      raise RuntimeError(
        f'TFF worker ended at once with code {process.returncode}; is port '
        f'{port} taken?'
      )
    try:
      socket.create_connection(('localhost', port), 1.0).close()
      return
    except OSError:
      time.sleep(_POLL_SECONDS)
  raise RuntimeError(
    f'TFF worker did not listen on port {port} within {START_SECONDS:.0f} s.'
  )


def stop(process: subprocess.Popen) -> None:
  """Ends the binary and waits for it; safe to call again."""
  if process.poll() is None:
    process.terminate()
    try:
      process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
      process.kill()
      process.wait()


def die_with(parent: int, number: int = signal.SIGKILL) -> None:
  """Has the kernel send this process a signal when its parent ends.

  Whoever enters a user namespace has to call it again.

  Args:
    parent: the id of the parent; the process ends at once if it is gone.
    number: the signal.
  """
  _LIBC.prctl(_PR_SET_PDEATHSIG, number)
  if os.getppid() != parent:  # It died before the call.
    os._exit(1)
