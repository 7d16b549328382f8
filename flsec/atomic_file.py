"""Writes a file so that a reader sees all of it or none of it."""

import os
import pathlib
from typing import Union

PathLike = Union[str, 'os.PathLike[str]']
PARTIAL_SUFFIX = '.partial'


def write_atomically(path: PathLike, content: Union[str, bytes]) -> None:
  """Writes beside `path`, makes it durable, then renames.

  A process killed at any moment leaves the old file or the new one; at worst a
  file with the suffix `.partial`, which the next write replaces.

  Args:
    path: the file to create or replace.
    content: text (written as UTF-8) or bytes.

  Raises:
    OSError: the folder cannot be written.
  """
  target = pathlib.Path(path)
  data = content.encode('utf-8') if isinstance(content, str) else content
  partial = target.with_name(target.name + PARTIAL_SUFFIX)
  with open(partial, 'wb') as file:
    file.write(data)
    file.flush()
    os.fsync(file.fileno())
  os.replace(partial, target)
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
    OSError: the disk is full or the folder cannot be written.
  """
  data = (line + '\n').encode('utf-8')
  descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
  try:
    written = os.write(descriptor, data)
    if written != len(data):
      raise OSError(
        f'{path}: only {written} of {len(data)} bytes of a row were written; '
        'the disk is probably full. Free some space and resume the run.'
      )
    os.fsync(descriptor)
  finally:
    os.close(descriptor)
