"""Opens TFF's worker to one address alone.

The binary listens on every interface of the machine, and whoever reaches it
may run any computation there. So it is put into a network namespace of its
own, which nobody can reach; this process, which took the wanted address before
it went there too, passes connections on.

Run as `python -m flsec.runtime.worker_gate HOST PORT [THREADS]`, or `unix:PATH`
as host, by `flsec.runtime.worker`: a process of its own, since only one with a
single thread may enter a user namespace.
"""

import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import types
from collections.abc import Sequence
from typing import NoReturn, Optional

from flsec.runtime import worker_binary

# What `--host` has to say for a worker that is open to everybody.
ALL_INTERFACES = ('0.0.0.0', '::')
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS = 0x8914
_IFF_UP_RUNNING = 0x1 | 0x40
_CHUNK_BYTES = 1 << 18
_POLL_SECONDS = 0.5
_EXIT_ERROR = 2
EXIT_NO_NAMESPACE = 3
UNIX = 'unix:'
# What a gate on a unix socket prints once the worker listens.
READY = 'ready'
_LIBC = ctypes.CDLL(None, use_errno=True)


def main(arguments: Sequence[str]) -> int:
  """Serves a worker until a signal ends this process.

  Args:
    arguments: host, port, and the number of threads (or nothing). A host
      `unix:PATH` is a socket that is made in a folder of this process's own;
      the port is that of the private network then, and the gate ends with its
      parent and removes the folder.

  Returns:
    The exit code: 0 after Ctrl-C or SIGTERM; `EXIT_NO_NAMESPACE`.
  """
  host, port = arguments[0], int(arguments[1])
  parent = os.getppid()
  threads = int(arguments[2]) if len(arguments) > 2 else None
  for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, _stop)
  process: Optional[subprocess.Popen] = None
  try:
    listener = None
    if host not in ALL_INTERFACES:
      listener = _listen(host, port)
      enter_private_network()
    if host.startswith(UNIX):
      worker_binary.die_with(parent, signal.SIGTERM)
    process = worker_binary.start(port, threads)
    worker_binary.wait_until_it_listens(process, port)
    _announce(host, port)
    if listener is not None:
      threading.Thread(
        target=_accept, args=(listener, port), daemon=True
      ).start()
    return _wait(process)
  except _Stopped:
    return 0
  except (OSError, RuntimeError) as error:
    print(f'flsec: error: {error}', file=sys.stderr)
    is_denied = isinstance(error, PermissionError)
    return EXIT_NO_NAMESPACE if is_denied else _EXIT_ERROR
  finally:
    if process is not None:
      worker_binary.stop(process)
    if host.startswith(UNIX):
      shutil.rmtree(os.path.dirname(host[len(UNIX) :]), ignore_errors=True)


def enter_private_network() -> None:
  """Moves this process into a network of its own, with a loopback only.

  Sockets that were opened before stay where they are.

  Raises:
    PermissionError: this system does not allow it; says what to do.
  """
  # Root of a container may have the one right and not the other.
  if _LIBC.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) and _LIBC.unshare(
    _CLONE_NEWNET
  ):
    reason = os.strerror(ctypes.get_errno())
    raise PermissionError(
      "TFF's worker listens on every interface of the machine, and this system "
      'does not let flsec put it into a network of its own (unshare: '
      f'{reason}). Allow user namespaces; or close the port to others by a '
      "firewall, or by a container's own network, and then say --host=0.0.0.0."
    )
  with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    request = struct.pack('16sH14x', b'lo', _IFF_UP_RUNNING)
    fcntl.ioctl(any_socket, _SIOCSIFFLAGS, request)


def _listen(host: str, port: int) -> socket.socket:
  if host.startswith(UNIX):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(host[len(UNIX) :])
    listener.listen()
    return listener
  try:
    address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    return socket.create_server(address[4][:2], family=address[0])
  except OSError as error:
    raise OSError(
      f'cannot listen on {host}:{port} ({error.strerror or error}). Choose '
      'another --port, or an address of this machine as --host.'
    ) from error


def _announce(host: str, port: int) -> None:
  if host.startswith(UNIX):
    print(READY, flush=True)
    return
  shown = socket.gethostname() if host in ALL_INTERFACES else host
  target = f'[{shown}]:{port}' if ':' in shown else f'{shown}:{port}'
  workers = f'\'--set=runtime.workers=["{target}"]\''
  print(f'TFF worker on {target}. Use it by')
  print(f'  --set=runtime.context=tff_remote {workers}')
  if host in ALL_INTERFACES:
    print(
      'It is open to whoever reaches this machine: there is neither encryption '
      'nor authentication, and any computation sent to it is run. Close the '
      'port to all but the machine that runs the experiment.'
    )
  print('Ctrl-C ends it.', flush=True)


def _accept(listener: socket.socket, port: int) -> None:
  while True:
    outside, _ = listener.accept()
    try:
      inside = socket.create_connection(('localhost', port))
    except OSError:
      outside.close()
      continue
    for source, sink in ((outside, inside), (inside, outside)):
      if source.family != socket.AF_UNIX:
        source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
      threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
  """Copies what comes from one socket to the other until either closes."""
  buffer = memoryview(bytearray(_CHUNK_BYTES))
  try:
    while True:
      count = source.recv_into(buffer)
      if not count:
        break
      sink.sendall(buffer[:count])
  except OSError:
    pass  # Closed by the pump of the other direction, or by its peer.
  for one in (source, sink):
    with contextlib.suppress(OSError):
      one.shutdown(socket.SHUT_RDWR)
    one.close()


def _wait(process: subprocess.Popen) -> int:
  while True:
    try:
      code = process.wait(_POLL_SECONDS)
    except subprocess.TimeoutExpired:
      continue
    print(f'flsec: error: TFF worker ended with code {code}.', file=sys.stderr)
    return _EXIT_ERROR


class _Stopped(Exception):
  """A signal asked this process to end."""


def _stop(number: int, frame: Optional[types.FrameType]) -> NoReturn:
  del number, frame
  # A second signal while the worker ends would leave it behind.
  for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(one, signal.SIG_IGN)
  raise _Stopped


if __name__ == '__main__':
  sys.exit(main(sys.argv[1:]))
