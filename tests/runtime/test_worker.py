"""TFF's worker: started, found, and gone with whoever started it."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import pytest

from flsec.runtime import worker, worker_binary

_DEADLINE_SECONDS = 30
_CHILD = """
import sys, time
from flsec.runtime import worker_binary
process = worker_binary.start(int(sys.argv[1]))
print(process.pid, flush=True)
time.sleep(600)
"""


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


class TestStarted:
  def test_listens_where_it_says(self, started):
    assert (
      started.is_running() and started.target == f'localhost:{started.port}'
    )
    socket.create_connection(('localhost', started.port), 5).close()

  def test_holds_none_of_our_pipes(self, started):
    for number in (0, 1, 2):
      assert os.readlink(f'/proc/{started.pid}/fd/{number}') == '/dev/null'

  def test_is_not_reached_by_our_terminal(self, started):
    assert os.getsid(started.pid) != os.getsid(0)
    assert os.getpgid(started.pid) != os.getpgid(0)


def test_close_ends_it_and_may_be_repeated():
  one = worker.Worker()
  pid = one.pid
  one.close()
  assert not one.is_running() and not _is_alive(pid)
  one.close()


@pytest.mark.parametrize(
  'number', [signal.SIGKILL, signal.SIGTERM, signal.SIGINT]
)
def test_does_not_outlive_its_parent(number, repository):
  import portpicker

  child = subprocess.Popen(
    [sys.executable, '-c', _CHILD, str(portpicker.pick_unused_port())],
    cwd=repository,
    stdout=subprocess.PIPE,
    stderr=subprocess.DEVNULL,
    text=True,
    preexec_fn=_hear_interrupts,
  )
  pid = int(child.stdout.readline())
  try:
    assert _is_alive(pid)
    child.send_signal(number)
    assert child.wait(_DEADLINE_SECONDS) != 0
    assert _ends(pid)
  finally:
    child.stdout.close()
    if _is_alive(pid):
      os.kill(pid, signal.SIGKILL)


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

  def test_binary_that_ends_at_once(self, monkeypatch):
    monkeypatch.setattr(
      worker_binary, 'path', lambda: pathlib.Path('/bin/false')
    )
    with pytest.raises(RuntimeError, match='ended at once with code 1'):
      worker.Worker()

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
