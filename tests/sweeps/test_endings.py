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
