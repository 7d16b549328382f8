"""Signals that end a process, so that what it began ends with it."""

import functools
import os
import signal
import sys
import threading
import types
from collections.abc import Callable
from typing import Any, NoReturn, Optional

_EXIT_SIGNALLED = 128
_SOON = 0.05  # Seconds: the callback that swallowed a signal is left by then.


def end_in_order() -> None:
  """Lets SIGTERM and SIGHUP end this process as Ctrl-C would.

  The exit code is then 128 and the signal's number, as a shell has it. SIGHUP
  comes where the terminal is closed; where it is ignored, as under `nohup`, it
  stays so. A signal that comes while Python cleans up after an object, where
  exceptions are lost, comes again; Ctrl-C, too.
  """
  signal.signal(signal.SIGTERM, terminate)
  if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
    signal.signal(signal.SIGHUP, terminate)
  report = sys.unraisablehook
  if getattr(report, 'func', None) is not _send_again:
    sys.unraisablehook = functools.partial(_send_again, report)


def terminate(number: int, frame: Optional[types.FrameType]) -> NoReturn:
  """Handles a signal by an exception, so that every `finally` is run."""
  del frame
  sys.exit(_EXIT_SIGNALLED + number)


def _send_again(report: Callable[[Any], object], lost: Any) -> None:
  """Sends a signal again whose exception was lost; reports anything else."""
  number = _signal_of(lost.exc_value)
  if number is None:
    report(lost)
  else:
    threading.Timer(_SOON, os.kill, (os.getpid(), number)).start()


def _signal_of(error: Optional[BaseException]) -> Optional[int]:
  """Returns the signal whose handler raised an exception, if one did."""
  if isinstance(error, KeyboardInterrupt):
    return signal.SIGINT
  if isinstance(error, SystemExit) and isinstance(error.code, int):
    number = error.code - _EXIT_SIGNALLED
    return number if number in (signal.SIGTERM, signal.SIGHUP) else None
  return None
