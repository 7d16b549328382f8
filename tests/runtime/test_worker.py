"""TFF's worker: started, reached by us alone, gone with who started it."""

import contextlib
import os
import pathlib
import signal
import stat
import subprocess
import sys
import time

import grpc
import pytest

from flsec.runtime import watched_channel, worker, worker_binary, worker_gate

_DEADLINE_SECONDS = 120
_CHILD = """
import time
from flsec.runtime import worker
one = worker.Worker()
print(one.pid, one.target, flush=True)
time.sleep(600)
"""
_LISTENING = '0A'


def _is_alive(pid):
  """Tells whether a process runs; one that waits to be reaped does not."""
  with contextlib.suppress(FileNotFoundError, ProcessLookupError):
    stat = pathlib.Path(f'/proc/{pid}/stat').read_text()
    return stat.rpartition(')')[2].split()[0] not in 'ZX'
  return False


def _ends(pid):
  deadline = time.monotonic() + _DEADLINE_SECONDS
  while time.monotonic() < deadline:
    if not _is_alive(pid):
      return True
    time.sleep(0.01)
  return False


def _hear_interrupts():
  # Tests in the background ignore SIGINT, and so would their children.
  signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope='module')
def started():
  one = worker.Worker()
  yield one
  one.close()


@pytest.fixture
def denied(monkeypatch):
  """A system on which nobody may enter a network of his own."""
  monkeypatch.setattr(worker, '_start_gate', lambda: None)


def _tree(pid):
  """Returns the ids of a process and of all below it."""
  children = pathlib.Path(f'/proc/{pid}/task/{pid}/children').read_text()
  below = [_tree(int(child)) for child in children.split()]
  return [pid, *(one for ids in below for one in ids)]


def _sockets(pids):
  """Returns the inodes of what processes hold open."""
  return {
    os.readlink(link).removeprefix('socket:[').removesuffix(']')
    for pid in pids
    for link in pathlib.Path(f'/proc/{pid}/fd').iterdir()
  }


def _listening(pids):
  """Returns the addresses on which processes are reached from this machine."""
  found, held = [], _sockets(pids)
  for name in ('tcp', 'tcp6'):
    for line in pathlib.Path(f'/proc/net/{name}').read_text().splitlines()[1:]:
      _, local, _, state, *rest = line.split()
      if state == _LISTENING and rest[5] in held:
        found.append(local)
  return found


def _folder(target):
  return pathlib.Path(target.removeprefix('unix:')).parent


class TestStarted:
  def test_answers_where_it_says(self, started):
    channel = watched_channel.WatchedChannel(started.target)
    assert started.is_running() and channel.check() is None
    channel.close()

  @pytest.mark.usefixtures('namespaces')
  def test_nobody_else_reaches_it(self, started):
    assert len(_tree(started.pid)) == 2  # The gate, and the binary.
    assert _listening(_tree(started.pid)) == []
    assert started.target.startswith('unix:/')
    assert stat.S_IMODE(_folder(started.target).stat().st_mode) == 0o700

  def test_holds_none_of_our_pipes(self, started):
    ours = {os.readlink(f'/proc/self/fd/{number}') for number in (0, 1, 2)}
    for pid in _tree(started.pid):
      for number in (0, 1, 2):
        held = os.readlink(f'/proc/{pid}/fd/{number}')
        assert held == '/dev/null' or held not in ours

  def test_is_not_reached_by_our_terminal(self, started):
    for pid in _tree(started.pid):
      assert os.getsid(pid) != os.getsid(0)
      assert os.getpgid(pid) != os.getpgid(0)


@pytest.mark.usefixtures('namespaces')
def test_close_ends_it_and_may_be_repeated():
  one = worker.Worker()
  pids = _tree(one.pid)
  one.close()
  assert not one.is_running() and not any(map(_is_alive, pids))
  assert not _folder(one.target).exists()
  one.close()


@pytest.mark.usefixtures('namespaces')
def test_close_removes_what_a_killed_gate_left():
  one = worker.Worker()
  _, binary = _tree(one.pid)
  os.kill(one.pid, signal.SIGKILL)
  assert _ends(one.pid) and _ends(binary)
  one.close()
  assert not _folder(one.target).exists()


@pytest.mark.usefixtures('namespaces')
def test_what_is_said_before_the_gate_is_one_is_no_answer(monkeypatch):
  # As gRPC does in a process that is forked from one with its threads.
  def noisy(parent, number):
    os.write(2, b'E0000 completion_queue.cc:799] Kick failed\n')
    die_with(parent, number)

  die_with = worker_binary.die_with
  monkeypatch.setattr(worker_binary, 'die_with', noisy)
  one = worker.Worker()
  try:
    assert one.target.startswith(worker_gate.UNIX) and one.is_running()
  finally:
    one.close()


@pytest.mark.usefixtures('namespaces')
def test_a_gate_that_does_not_open_is_told(monkeypatch):
  monkeypatch.setattr(worker, '_PRIVATE_PORT', 'no port')
  with pytest.raises(RuntimeError, match=r"did not open(?s:.*)'no port'"):
    worker.Worker()


@pytest.mark.usefixtures('denied')
def test_without_namespaces_it_warns_that_it_is_open(caplog):
  caplog.set_level('WARNING', logger='absl')
  one = worker.Worker()
  try:
    grpc.channel_ready_future(grpc.insecure_channel(one.target)).result(60)
    (address,) = _listening(_tree(one.pid))
    port = int(address.partition(':')[2], 16)
    assert one.target == f'localhost:{port}'
    assert f'listens at port {port} on every interface' in caplog.text
    assert 'Allow user namespaces' in caplog.text
  finally:
    one.close()


def test_a_denied_namespace_is_told_from_other_errors(monkeypatch):
  class Refusing:
    def unshare(self, flags):
      return -1

  monkeypatch.setattr(worker_gate, '_LIBC', Refusing())
  monkeypatch.setattr(worker_gate, '_listen', lambda host, port: None)
  monkeypatch.setattr(worker_gate.signal, 'signal', lambda number, call: None)
  code = worker_gate.main(['localhost', '1'])
  assert code == worker_gate.EXIT_NO_NAMESPACE


@pytest.mark.usefixtures('namespaces')
@pytest.mark.parametrize(
  'number', [signal.SIGKILL, signal.SIGTERM, signal.SIGINT]
)
def test_does_not_outlive_its_parent(number, repository):
  child = subprocess.Popen(
    [sys.executable, '-c', _CHILD],
    cwd=repository,
    stdout=subprocess.PIPE,
    stderr=subprocess.DEVNULL,
    text=True,
    preexec_fn=_hear_interrupts,
  )
  pid, target = child.stdout.readline().split()
  pids = _tree(int(pid))
  try:
    assert all(map(_is_alive, pids))
    child.send_signal(number)
    assert child.wait(_DEADLINE_SECONDS) != 0
    assert all(map(_ends, pids))
    assert not _folder(target).exists()
  finally:
    child.stdout.close()
    for one in filter(_is_alive, pids):
      os.kill(one, signal.SIGKILL)


class TestRefusals:
  def test_missing_binary_says_the_way_out(self, monkeypatch, tmp_path):
    monkeypatch.setattr(
      worker_binary.importlib.util,
      'find_spec',
      lambda name: type('Spec', (), {'origin': str(tmp_path / 'x.py')}),
    )
    with pytest.raises(RuntimeError, match=r'no worker at .*make setup'):
      worker.Worker()

  def test_without_tff(self, monkeypatch):
    monkeypatch.setattr(
      worker_binary.importlib.util, 'find_spec', lambda name: None
    )
    with pytest.raises(RuntimeError, match='not installed'):
      worker_binary.path()

  @pytest.mark.usefixtures('denied')
  def test_binary_that_ends_at_once(self, monkeypatch):
    monkeypatch.setattr(
      worker_binary, 'path', lambda: pathlib.Path('/bin/false')
    )
    with pytest.raises(RuntimeError, match='ended at once with code 1'):
      worker.Worker()

  @pytest.mark.usefixtures('denied')
  def test_binary_that_never_listens_is_ended(self, monkeypatch, tmp_path):
    script = tmp_path / 'deaf'
    script.write_text(f'#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 600\n')
    script.chmod(0o755)
    monkeypatch.setattr(worker_binary, 'path', lambda: script)
    monkeypatch.setattr(worker_binary, 'START_SECONDS', 0.5)
    with pytest.raises(RuntimeError, match='did not listen on port'):
      worker.Worker()
    text = (tmp_path / 'pid').read_text() if (tmp_path / 'pid').exists() else ''
    assert not text or _ends(int(text))
