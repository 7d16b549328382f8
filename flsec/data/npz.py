"""Reads .npz files without ever unpickling."""

import zipfile
import zlib
from collections.abc import Sequence

import numpy as np

from flsec.data import limits
from flsec.data.errors import DataFileError, Path, guarded

_AGAIN = 'Delete it and download it again.'
_HEADERS = {
  (1, 0): np.lib.format.read_array_header_1_0,
  (2, 0): np.lib.format.read_array_header_2_0,
}


@guarded(_AGAIN)
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
  limits.check_file(path)
  try:
    with np.load(path, allow_pickle=False) as file:
      for names in alternatives:
        if all(name in file.files for name in names):
          _check_headers(path, file.zip, names)
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


def _check_headers(
  path: Path, archive: zipfile.ZipFile, names: Sequence[str]
) -> None:
  """Refuses an array whose header promises what its member does not hold."""
  present = archive.namelist()
  for name in names:
    member = name if name in present else f'{name}.npy'
    size = archive.getinfo(member).file_size
    limits.check_size(path, f'{name} in it', size)
    with archive.open(member) as file:
      version = np.lib.format.read_magic(file)
      read_header = _HEADERS.get(version)
      if read_header is None:
        raise ValueError(f'{name} has format {version}')
      shape, _, dtype = read_header(file)
      promised = limits.check_shape(path, shape, dtype.itemsize)
      held = size - file.tell()
    if promised != held and not dtype.hasobject:
      raise ValueError(f'{name} promises {promised} bytes and holds {held}')


def _is_pickle(path: Path) -> bool:
  with open(path, 'rb') as file:
    return file.read(1) == b'\x80'
