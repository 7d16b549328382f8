"""Writes a file so that a reader sees all of it or none of it."""

import contextlib
import errno
import os
import pathlib
from collections.abc import Iterator
from typing import Union

PathLike = Union[str, 'os.PathLike[str]']
PARTIAL_SUFFIX = '.partial'

_AGAIN = 'give the same command again: what was finished before is kept'
_FULL = f'the disk is full. Free some space and {_AGAIN}'
_GONE = (
  'its folder is gone: it was moved or removed, or its disk was taken away. '
  f'Bring it back and {_AGAIN}'
)
_WAYS_OUT = {
  errno.ENOSPC: _FULL,
  errno.EDQUOT: f'your share of the disk is used up. Free some and {_AGAIN}',
  errno.ENOENT: _GONE,
  errno.ENOTDIR: _GONE,
  errno.ESTALE: _GONE,
}


@contextlib.contextmanager
def naming(path: PathLike) -> Iterator[None]:
  """Lets the system's errors name the file, and the way out where it is known.

  Args:
    path: what is being written.

  Raises:
    OSError: of the same kind as what was raised inside.
  """
  try:
    yield
  except OSError as error:
    text = _WAYS_OUT.get(error.errno) or error.strerror
    if text is None:  # It was raised by flsec, with words of its own.
      raise
    raise OSError(error.errno, text, str(path)) from error


def write_atomically(path: PathLike, content: Union[str, bytes]) -> None:
  """Writes beside `path`, makes it durable, then renames.

  A process killed at any moment leaves the old file or the new one; at worst a
  file with the suffix `.partial`, which the next write replaces. Where the disk
  is full, the partial file goes at once.

  Args:
    path: the file to create or replace.
    content: text (written as UTF-8) or bytes.

  Raises:
    OSError: the disk is full, or the folder is gone or cannot be written.
  """
  target = pathlib.Path(path)
  data = content.encode('utf-8') if isinstance(content, str) else content
  partial = target.with_name(target.name + PARTIAL_SUFFIX)
  with naming(target):
    try:
      with open(partial, 'wb') as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
      os.replace(partial, target)
    except OSError:
      with contextlib.suppress(OSError):
        partial.unlink()
      raise
    sync_directory(target.parent)


def sync_directory(path: PathLike) -> None:
  """Makes renames and removals in a folder durable."""
  descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
  try:
    os.fsync(descriptor)
  finally:
    os.close(descriptor)


def append_line(path: PathLike, line: str) -> None:
  """Appends a whole line, durably, with one system call.

  Raises:
    OSError: the disk is full, or the folder is gone or cannot be written.
  """
  data = (line + '\n').encode('utf-8')
  with naming(path):
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
      size = os.fstat(descriptor).st_size
      # A disk that has room for a part of it takes that, without an error.
      if os.write(descriptor, data) != len(data):
        os.ftruncate(descriptor, size)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
      os.fsync(descriptor)
    finally:
      os.close(descriptor)
