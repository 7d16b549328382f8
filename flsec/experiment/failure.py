"""Why a run ended before it was complete, as a file in its folder.

FAILED holds the time, the error in one line, and where it was raised.
"""

import datetime
import os
import pathlib
import traceback
from typing import Optional, Union

from flsec import atomic_file
from flsec.config import dump, schema
from flsec.experiment import config_record, explain, folder_lock

FAILED = 'FAILED'


def note(folder: pathlib.Path, error: BaseException) -> None:
  """Leaves a note of the error that ends a run, its folder being held."""
  _write(folder, in_one_line(error), traced(error))


def note_refused(
  path: Union[str, 'os.PathLike[str]'],
  error: BaseException,
  experiment: schema.Experiment,
) -> None:
  """Leaves a note of an error that came before a cell's folder was opened.

  Makes the folder, with the cell's configuration, so that reports name it. Does
  nothing where another process holds it, or the sweep's own folder is gone.
  """
  note_of_the_dead(path, in_one_line(error), traced(error), experiment)


def note_of_the_dead(
  path: Union[str, 'os.PathLike[str]'],
  message: str,
  details: str = '',
  experiment: Optional[schema.Experiment] = None,
) -> None:
  """Leaves a note in the folder of a run whose process cannot: it died.

  Does nothing where another process holds the folder, or where the folder of
  the sweep went away.
  """
  folder = pathlib.Path(path)
  if not folder.parent.is_dir():
    return
  folder_lock.make(folder)
  try:
    lock = folder_lock.acquire(folder)
  except folder_lock.RunDirectoryError:
    return
  try:
    if experiment and not (folder / config_record.CONFIG).exists():
      config_record.write(
        folder, dump.to_yaml(experiment), dump.fingerprint(experiment)
      )
    _write(folder, message, details)
  finally:
    folder_lock.release(lock)


def read(path: Union[str, 'os.PathLike[str]']) -> Optional[str]:
  """Returns the line that says why a run failed; None if it did not."""
  try:
    lines = (pathlib.Path(path) / FAILED).read_text('utf-8').splitlines()
  except FileNotFoundError:
    return None
  return lines[1] if len(lines) > 1 else 'unknown'


def clear(folder: pathlib.Path) -> None:
  """Removes the note: the run goes on."""
  (folder / FAILED).unlink(missing_ok=True)


def in_one_line(error: BaseException) -> str:
  """Returns an error's kind and message as one line."""
  explained = explain.explain(error)
  if explained:
    return ' '.join(explained.split())
  text = ' '.join(str(error).split())
  kind = type(error).__name__
  # Those of flsec say enough; of others the kind is half of the message.
  if text and isinstance(error, ValueError):
    return text
  return f'{kind}: {text}' if text else kind


def traced(error: BaseException) -> str:
  """Returns an error with where it was raised."""
  return ''.join(
    traceback.format_exception(type(error), error, error.__traceback__)
  )


def _write(folder: pathlib.Path, line: str, details: str = '') -> None:
  text = f'{now()}\n{line}\n\n{details}'
  atomic_file.write_atomically(folder / FAILED, text)


def now() -> str:
  """Returns the time, in words that sort."""
  time = datetime.datetime.now(datetime.timezone.utc)
  return time.isoformat(timespec='seconds')
