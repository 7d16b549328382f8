"""Reads .npz files without ever unpickling."""

import zipfile
import zlib
from collections.abc import Sequence

import numpy as np

from flsec.data.errors import DataFileError, Path

_AGAIN = 'Delete it and download it again.'


def read_npz(
  path: Path, *alternatives: Sequence[str]
) -> tuple[np.ndarray, ...]:
  """Reads named arrays.

  Args:
    path: the .npz file.
    *alternatives: names to look for; the first that are all there are read.

  Returns:
    The arrays of the first alternative, in its order.

  Raises:
    DataFileError: not an .npz, truncated, an array is missing, or an array
      holds pickled objects, which are never read.
  """
  if not zipfile.is_zipfile(path):
    found = 'is a pickle' if _is_pickle(path) else 'is truncated or not an .npz'
    raise DataFileError(path, found, _AGAIN)
  try:
    with np.load(path, allow_pickle=False) as file:
      for names in alternatives:
        if all(name in file.files for name in names):
          return tuple(file[name] for name in names)
      present = ', '.join(file.files) or 'none'
  except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
    raise DataFileError(path, f'is damaged ({error})', _AGAIN) from error
  except ValueError as error:
    found = f'holds an array that cannot be read safely ({error})'
    remedy = 'Save it again as plain numbers, or download it again.'
    raise DataFileError(path, found, remedy) from error
  wanted = ' or '.join(', '.join(names) for names in alternatives)
  raise DataFileError(
    path, f'holds the arrays {present}, but not {wanted}', _AGAIN
  )


def _is_pickle(path: Path) -> bool:
  with open(path, 'rb') as file:
    return file.read(1) == b'\x80'
