"""Signals that end a process, so that what it began ends with it."""

import signal
import sys
import types
from typing import NoReturn, Optional

_EXIT_SIGNALLED = 128


def end_in_order() -> None:
  """Lets SIGTERM and SIGHUP end this process as Ctrl-C would.

  The exit code is then 128 and the signal's number, as a shell has it. SIGHUP
  comes where the terminal is closed; where it is ignored, as under `nohup`, it
  stays so.
  """
  signal.signal(signal.SIGTERM, terminate)
  if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
    signal.signal(signal.SIGHUP, terminate)


def terminate(number: int, frame: Optional[types.FrameType]) -> NoReturn:
  """Handles a signal by an exception, so that every `finally` is run."""
  del frame
  sys.exit(_EXIT_SIGNALLED + number)
