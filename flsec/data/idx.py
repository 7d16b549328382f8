"""Reads IDX files: the format in which MNIST was published."""

import gzip
import zlib
from typing import BinaryIO

import numpy as np

from flsec.data import limits
from flsec.data.errors import DataFileError, Path, guarded

_UINT8 = 0x08
_MAX_RANK = 8
_MAX_REST_BYTES = 2**20  # Of a file that is too long, for the message.
_AGAIN = 'Delete it and download it again.'


@guarded(_AGAIN)
def read_idx(path: Path) -> np.ndarray:
  """Reads one gzipped IDX file of bytes.

  The header is 0, 0, the type, the number of dimensions, then each dimension
  as a big-endian 32-bit number; the bytes follow.

  Args:
    path: a `*-ubyte.gz` file.

  Returns:
    uint8, of the shape that the header says.

  Raises:
    DataFileError: truncated, not gzip, not IDX, or of another length.
  """
  try:
    with gzip.open(path, 'rb') as file:
      shape = _read_shape(path, file)
      expected = limits.check_shape(path, shape, 1)
      content = file.read(expected)
      rest = file.read(_MAX_REST_BYTES)
  except (EOFError, gzip.BadGzipFile, zlib.error) as error:
    found = f'is truncated or not gzip ({error})'
    raise DataFileError(path, found, _AGAIN) from error
  found = len(content) + len(rest)
  if found != expected:
    raise DataFileError(
      path, f'its header promises {expected} bytes, it holds {found}', _AGAIN
    )
  return np.frombuffer(content, np.uint8).reshape(shape)


def _read_shape(path: Path, file: BinaryIO) -> tuple[int, ...]:
  magic = file.read(4)
  rank = magic[3] if len(magic) == 4 else 0
  sizes = file.read(4 * rank)
  is_idx = magic[:3] == bytes([0, 0, _UINT8]) and len(magic) == 4
  if not is_idx or len(sizes) != 4 * rank or rank > _MAX_RANK:
    raise DataFileError(path, 'is not an IDX file of bytes', _AGAIN)
  return tuple(np.frombuffer(sizes, '>u4').tolist())
