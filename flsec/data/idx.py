"""Reads IDX files: the format in which MNIST was published."""

import gzip
import zlib

import numpy as np

from flsec.data.errors import DataFileError, Path

_UINT8 = 0x08
_AGAIN = 'Delete it and download it again.'


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
      content = file.read()
  except (EOFError, gzip.BadGzipFile, zlib.error) as error:
    found = f'is truncated or not gzip ({error})'
    raise DataFileError(path, found, _AGAIN) from error
  rank = content[3] if len(content) >= 4 else 0
  if content[:3] != bytes([0, 0, _UINT8]) or len(content) < 4 + 4 * rank:
    raise DataFileError(path, 'is not an IDX file of bytes', _AGAIN)
  shape = tuple(np.frombuffer(content, '>u4', rank, offset=4).tolist())
  found = len(content) - 4 - 4 * rank
  expected = int(np.prod(shape, dtype=np.int64))
  if found != expected:
    raise DataFileError(
      path, f'its header promises {expected} bytes, it holds {found}', _AGAIN
    )
  return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape)
