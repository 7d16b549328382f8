"""Waiting for what other processes do."""

import os
import select

SECONDS = 60.0


def wait_for(pid):
  """Waits until a process has ended, whoever's child it is."""
  try:
    handle = os.pidfd_open(pid)
  except ProcessLookupError:
    return
  try:
    readable, _, _ = select.select([handle], [], [], SECONDS)
  finally:
    os.close(handle)
  assert readable, f'process {pid} is still there'
