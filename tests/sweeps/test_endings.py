"""What SIGTERM and SIGHUP do to a process."""

import signal
import subprocess
import sys

import pytest

_PROGRAM = """
import os, signal, sys
from flsec.sweeps import endings
number = int(sys.argv[1])
signal.signal(signal.SIGHUP, getattr(signal, sys.argv[2]))
endings.end_in_order()
try:
  os.kill(os.getpid(), number)
  print('goes on')
finally:
  print('in order')
"""


@pytest.mark.parametrize(
  ('number', 'before', 'code', 'said'),
  [
    (signal.SIGTERM, 'SIG_DFL', 143, ['in order']),
    (signal.SIGHUP, 'SIG_DFL', 129, ['in order']),
    (signal.SIGHUP, 'SIG_IGN', 0, ['goes on', 'in order']),  # As `nohup` does.
  ],
)
def test_a_signal_ends_it_in_order(repository, number, before, code, said):
  ended = subprocess.run(
    [sys.executable, '-c', _PROGRAM, str(int(number)), before],
    cwd=repository, capture_output=True, text=True, check=False,
  )  # fmt: skip
  assert (ended.returncode, ended.stdout.split('\n')[:-1]) == (code, said)


_LOST = """
import os, signal, sys, time, weakref
from flsec.sweeps import endings
class Thing: pass
# Where the suite runs in the background, both may be ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
endings.end_in_order()
thing = Thing()
watch = weakref.ref(thing, lambda _: os.kill(os.getpid(), int(sys.argv[1])))
try:
  del thing  # An exception in a weak reference's callback is lost.
  time.sleep(60)
  print('goes on')
finally:
  print('in order')
"""


@pytest.mark.parametrize(
  ('number', 'code'),
  [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, -2)],
)
def test_a_signal_that_a_callback_swallowed_comes_again(
  repository, number, code
):
  ended = subprocess.run(
    [sys.executable, '-c', _LOST, str(int(number))],
    cwd=repository, capture_output=True, text=True, check=False,
  )  # fmt: skip
  assert (ended.returncode, ended.stdout) == (code, 'in order\n')
  assert 'ignored' not in ended.stderr


def test_other_exceptions_that_are_lost_are_told(repository):
  lost = _LOST.replace('os.kill(os.getpid(), int(sys.argv[1]))', '1 / 0')
  ended = subprocess.run(
    [sys.executable, '-c', lost.replace('sleep(60)', 'sleep(0)')],
    cwd=repository, capture_output=True, text=True, check=False,
  )  # fmt: skip
  assert ended.returncode == 0
  assert 'ZeroDivisionError' in ended.stderr


def test_asked_twice_it_watches_once(repository):
  program = (
    'import sys\n'
    'from flsec.sweeps import endings\n'
    'endings.end_in_order()\n'
    'hook = sys.unraisablehook\n'
    'endings.end_in_order()\n'
    'print(sys.unraisablehook is hook)\n'
  )
  ended = subprocess.run(
    [sys.executable, '-c', program],
    cwd=repository, capture_output=True, text=True, check=True,
  )  # fmt: skip
  assert ended.stdout == 'True\n'
