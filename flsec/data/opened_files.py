"""Notes which data files are read, whoever does: flsec's readers or a plug-in.

Python tells of every file that it opens. Who listens lives as long as the
process, and so does what this module refers to: it imports nothing of flsec.
"""

import contextlib
import os
import pathlib
import site
import sys
from collections.abc import Iterator
from typing import Any, Optional

_CODE = ('.py', '.pyc', '.so', '.pth')
_SYSTEM = ('/proc', '/sys', '/dev', '/etc')
_open: list[set[str]] = []
_is_watching = False


@contextlib.contextmanager
def recording() -> Iterator[set[str]]:
  """Notes the data files that are opened for reading within the block.

  Yields:
    Their absolute paths, complete when the block ends. Files of Python, of its
    packages and of the system are left out.
  """
  _watch()
  opened: set[str] = set()
  _open.append(opened)
  try:
    yield opened
  finally:
    _open.remove(opened)
    left = {path for path in opened if _is_data(path)}
    opened.clear()
    opened.update(left)


def _watch() -> None:
  # An audit hook cannot be taken off again; it does nothing outside the block.
  global _is_watching
  if not _is_watching:
    sys.addaudithook(_note)
    _is_watching = True


def _note(event: str, arguments: tuple[Any, ...]) -> None:
  if not _open or event not in ('open', 'sqlite3.connect'):
    return
  path = arguments[0]
  if event == 'open' and not _reads(*arguments[1:3]):
    return
  if isinstance(path, (str, bytes, os.PathLike)):
    for opened in _open:
      opened.add(os.path.abspath(os.fsdecode(path)))


def _reads(mode: Optional[str], flags: Optional[int]) -> bool:
  if isinstance(mode, str):
    return 'r' in mode and '+' not in mode
  return (flags or 0) & os.O_ACCMODE == os.O_RDONLY


def _is_data(path: str) -> bool:
  if path.startswith(_SYSTEM) or path.endswith(_CODE):
    return False
  parents = pathlib.Path(path).parents
  return os.path.isfile(path) and not any(
    folder in parents for folder in _code_folders()
  )


def _code_folders() -> list[pathlib.Path]:
  folders = [sys.prefix, sys.base_prefix, *site.getsitepackages()]
  return [
    pathlib.Path(__file__).parent.parent,
    *(pathlib.Path(folder).resolve() for folder in folders),
    *(pathlib.Path(folder) for folder in folders),
  ]
