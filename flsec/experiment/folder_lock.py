"""One process at a time may write the folder of a run."""

import errno
import fcntl
import os
import pathlib
import socket
from typing import Optional, Union

from absl import logging

LOCK = '.lock'
WAY_OUT = (
  'Choose another --output_dir or name, or move the folder out of the way.'
)


class RunDirectoryError(ValueError):
  """A run directory cannot be used; the message says the way out."""


def make(folder: pathlib.Path) -> None:
  """Makes a folder where it is missing.

  Raises:
    RunDirectoryError: it cannot be made.
  """
  try:
    folder.mkdir(parents=True, exist_ok=True)
  except OSError as error:
    raise _unwritable(folder, error) from error


def acquire(folder: pathlib.Path) -> int:
  """Locks a folder; the system releases it however the process ends.

  Returns:
    What `release` takes.

  Raises:
    RunDirectoryError: another process holds it, or it cannot be written.
  """
  path = folder / LOCK
  try:
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
  except OSError as error:
    raise _unwritable(folder, error) from error
  try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
  except OSError as error:
    os.close(lock)
    if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
      raise held(folder) from error
    raise _unwritable(folder, error) from error
  os.ftruncate(lock, 0)
  os.write(lock, f'process {os.getpid()} on {socket.gethostname()}\n'.encode())
  logging.vlog(1, 'Holding %s', path)
  return lock


def release(lock: Optional[int]) -> None:
  """Lets another process write the folder; None is nothing to release."""
  if lock is not None:
    os.ftruncate(lock, 0)
    os.close(lock)


def check_free(folder: pathlib.Path) -> None:
  """Refuses a folder that another process holds; makes none.

  Raises:
    RunDirectoryError: see `acquire`.
  """
  if (folder / LOCK).exists():
    release(acquire(folder))


def is_held(path: Union[str, 'os.PathLike[str]']) -> bool:
  """Tells whether a process of this machine holds a folder."""
  try:
    lock = os.open(pathlib.Path(path) / LOCK, os.O_RDWR | os.O_CLOEXEC)
  except OSError:
    return False
  try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
  except OSError:
    return True
  finally:
    os.close(lock)
  return False


def held(folder: pathlib.Path) -> RunDirectoryError:
  """Returns the error that says which process holds a folder."""
  try:
    holder = (folder / LOCK).read_text('utf-8', 'replace').strip()
  except OSError:
    holder = ''
  return RunDirectoryError(
    f'{folder} is being written by another process ({holder or "unknown"}). '
    f'Wait for it or end it. {WAY_OUT}'
  )


def _unwritable(folder: pathlib.Path, error: OSError) -> RunDirectoryError:
  return RunDirectoryError(
    f'The run directory {folder} cannot be written: {error.strerror}. Choose a '
    'folder of yours with --output_dir, or change the permissions of this one.'
  )
