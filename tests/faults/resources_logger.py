"""A plug-in: a logger that writes down what its process takes."""

import json
import os
import pathlib

from flsec import registry
from flsec.loggers.logger import Logger

_PROCESS = pathlib.Path('/proc/self')


@registry.logger('resources')
def resources(*, file: str) -> Logger:
  """Write a line of memory, threads and open files for each row and cell."""
  return _Resources(pathlib.Path(file))


class _Resources(Logger):
  def __init__(self, path):
    self._path = path

  def begin(self, run):
    self._write('cell')

  def scalars(self, step, values):
    self._write('row')

  def _write(self, what):
    line = {'at': what, **taken()}
    with self._path.open('a') as file:
      file.write(json.dumps(line) + '\n')


def taken():
  """Returns pages in memory, threads and open files of this process."""
  opened = [_target(path) for path in (_PROCESS / 'fd').iterdir()]
  # Matplotlib keeps every font open that a picture once had, each once.
  opened = [name for name in opened if not name.endswith('.ttf')]
  return {
    'pages': int((_PROCESS / 'statm').read_text().split()[1]),
    'threads': len(list((_PROCESS / 'task').iterdir())),
    'files': len(opened),
    'names': sorted(opened),
  }


def _target(path):
  try:
    return os.readlink(path)
  except OSError:
    return 'closed meanwhile'  # That of the folder's own listing.
