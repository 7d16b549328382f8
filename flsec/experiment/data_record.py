"""The data that a run was made of, as a file in its folder."""

import json
import pathlib
from collections.abc import Mapping
from typing import Any, Optional

from flsec import atomic_file
from flsec.data import provenance
from flsec.experiment.folder_lock import WAY_OUT, RunDirectoryError

DATA = 'data.json'


def take(folder: pathlib.Path, record: Mapping[str, Any]) -> None:
  """Writes what a run is made of, or compares it where the run goes on.

  Args:
    folder: of the run, held by this process.
    record: see `provenance.Inputs.record`.

  Raises:
    RunDirectoryError: the first rounds were made of other data.
  """
  before = _read(folder)
  if before is None:
    text = json.dumps(record, indent=2) + '\n'
    atomic_file.write_atomically(folder / DATA, text)
    return
  changed = provenance.difference(before, record)
  if changed:
    raise RunDirectoryError(
      f'{folder} cannot go on: its first rounds were made of other data '
      f'({changed}). {WAY_OUT}'
    )


def check_finished(folder: pathlib.Path) -> None:
  """Refuses to take a finished run for one of the files as they are now.

  Raises:
    RunDirectoryError: naming the files that changed.
  """
  changed = provenance.changed_files(_read(folder) or {})
  if changed:
    raise RunDirectoryError(
      f'{folder} holds a finished run of other data: {"; ".join(changed)}. '
      f'{WAY_OUT}'
    )


def _read(folder: pathlib.Path) -> Optional[dict[str, Any]]:
  try:
    text = (folder / DATA).read_text(encoding='utf-8')
  except FileNotFoundError:
    return None
  try:
    record = json.loads(text)
    for one in record['files']:
      provenance.File(**one)
    if not isinstance(record['crc32'], str):
      raise TypeError('crc32 is no text')
  except (ValueError, TypeError, KeyError) as error:
    raise RunDirectoryError(
      f'{folder / DATA} is damaged ({error}), so that it cannot be told what '
      f'data the run was made of. {WAY_OUT}'
    ) from error
  return record
