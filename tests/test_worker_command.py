"""`flsec worker`: who can reach it, and that nothing of it stays behind."""

import contextlib
import ctypes
import os
import pathlib
import signal
import socket
import subprocess
import sys

import portpicker
import pytest

from flsec.runtime import worker_binary, worker_gate

_LISTENING = '0A'


@contextlib.contextmanager
def _served(*flags):
  """Starts `flsec worker`; yields process, port and what it printed."""
  port = portpicker.pick_unused_port()
  process = subprocess.Popen(
    [sys.executable, '-m', 'flsec.main', 'worker', f'--port={port}', *flags],
    stdout=subprocess.PIPE,
    text=True,
  )
  try:
    lines = []
    for line in process.stdout:
      lines.append(line)
      if 'Ctrl-C' in line:
        break
    yield process, port, ''.join(lines)
  finally:
    process.kill()
    process.wait()
    process.stdout.close()


def _binaries(process):
  """Returns the ids of the processes that `flsec worker` started."""
  path = pathlib.Path(f'/proc/{process.pid}/task/{process.pid}/children')
  return [int(word) for word in path.read_text().split()]


def _is_gone(pid):
  try:
    state = pathlib.Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2]
  except FileNotFoundError:
    return True
  return state.split()[0] in ('Z', 'X')


def _addresses(port):
  """Returns the addresses of this machine on which a port is listened to."""
  found = []
  for name in ('tcp', 'tcp6'):
    for line in pathlib.Path(f'/proc/net/{name}').read_text().splitlines()[1:]:
      _, local, _, state, *_ = line.split()
      address, _, hexadecimal = local.partition(':')
      if state == _LISTENING and int(hexadecimal, 16) == port:
        found.append(address)
  return found


def _await_end(pid):
  """Waits until the kernel has ended a process that is no child of ours."""
  with contextlib.suppress(ProcessLookupError):
    descriptor = os.pidfd_open(pid)
    try:
      import select

      assert select.select([descriptor], [], [], 60.0)[0], 'it lives on'
    finally:
      os.close(descriptor)


@pytest.mark.usefixtures('namespaces')
def test_it_answers_on_one_address_only_and_ends_with_sigterm():
  from flsec.runtime import watched_channel

  with _served('--threads=1') as (process, port, said):
    assert f'TFF worker on localhost:{port}' in said
    assert f'\'--set=runtime.workers=["localhost:{port}"]\'' in said
    assert _addresses(port) == ['0100007F']  # 127.0.0.1 alone.

    channel = watched_channel.WatchedChannel(f'localhost:{port}')
    assert channel.check() is None
    channel.close()

    (binary,) = _binaries(process)
    command = pathlib.Path(f'/proc/{binary}/cmdline').read_text()
    assert '--max_concurrent_computation_calls=1' in command
    environment = pathlib.Path(f'/proc/{binary}/environ').read_text()
    assert 'TF_NUM_INTEROP_THREADS=1\0' in environment
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert _is_gone(binary)


@pytest.mark.usefixtures('namespaces')
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGKILL])
def test_no_exit_leaves_the_binary_behind(number):
  with _served() as (process, _, _):
    (binary,) = _binaries(process)
    process.send_signal(number)
    expected = -signal.SIGKILL if number == signal.SIGKILL else 0
    assert process.wait(60) == expected
    _await_end(binary)
    assert _is_gone(binary)


@pytest.mark.usefixtures('namespaces')
def test_it_ends_when_its_binary_does():
  with _served() as (process, _, _):
    (binary,) = _binaries(process)
    os.kill(binary, signal.SIGKILL)
    assert process.wait(60) == 2


def test_open_to_everybody_it_says_so():
  with _served('--host=0.0.0.0') as (process, port, said):
    assert 'neither encryption nor authentication' in said
    assert f'{socket.gethostname()}:{port}' in said
    assert _addresses(port) == ['0' * 32]  # :: is every interface.
    (binary,) = _binaries(process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert _is_gone(binary)


def _refused(*flags):
  answer = subprocess.run(
    [sys.executable, '-m', 'flsec.main', 'worker', *flags],
    capture_output=True,
    text=True,
    check=False,
  )
  assert answer.returncode == 2
  return answer.stderr


def test_a_taken_port_is_named():
  with socket.create_server(('127.0.0.1', 0)) as taken:
    port = taken.getsockname()[1]
    message = _refused(f'--port={port}')
  assert f'cannot listen on localhost:{port}' in message
  assert 'another --port' in message


def test_an_address_of_another_machine_is_refused():
  message = _refused('--host=192.0.2.1', '--port=10000')
  assert 'cannot listen on 192.0.2.1:10000' in message
  assert 'as --host' in message


@pytest.mark.parametrize(
  ('flags', 'message'),
  [
    (['10000'], "takes no '10000'"),
    (['--port=0'], 'port'),
    (['--threads=0'], 'threads'),
  ],
)
def test_misuse_is_refused(flags, message):
  assert message in _refused(*flags)


def test_without_namespaces_it_refuses_and_says_what_to_do(monkeypatch):
  class Refusing:
    def unshare(self, flags):
      ctypes.set_errno(1)
      return -1

  monkeypatch.setattr(worker_gate, '_LIBC', Refusing())
  with pytest.raises(PermissionError) as raised:
    worker_gate.enter_private_network()
  message = str(raised.value)
  assert 'unshare: Operation not permitted' in message
  assert 'listens on every interface' in message
  assert 'say --host=0.0.0.0' in message


def test_a_missing_binary_is_named(monkeypatch, tmp_path):
  class Spec:
    origin = str(tmp_path / '__init__.py')

  monkeypatch.setattr(worker_binary.importlib.util, 'find_spec', lambda n: Spec)
  with pytest.raises(
    RuntimeError, match='TFF installed no worker at'
  ) as raised:
    worker_binary.path()
  assert str(tmp_path) in str(raised.value)
  monkeypatch.setattr(worker_binary.importlib.util, 'find_spec', lambda n: None)
  with pytest.raises(RuntimeError, match='is not installed'):
    worker_binary.path()


def test_a_binary_that_ends_at_once_is_no_worker():
  process = subprocess.Popen([sys.executable, '-c', 'raise SystemExit(3)'])
  process.wait()
  with pytest.raises(
    RuntimeError, match='ended at once with code 3; is port 7'
  ):
    worker_binary.wait_until_it_listens(process, 7)
