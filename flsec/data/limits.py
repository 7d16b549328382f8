"""How much a data file may unpack to; the largest that is read is 0.8 GiB.

A few kilobytes of gzip hold gigabytes of zeros: what a header promises is
looked at before the rest is unpacked.
"""

import os
from collections.abc import Sequence

from flsec.data.errors import DataFileError, Path

MAX_BYTES = 4 * 2**30
_REMEDY = 'It is not the published file: delete it and download it again.'


def check_size(path: Path, what: str, num_bytes: int) -> None:
  """Refuses what is larger than any data set.

  Args:
    path: the file, for the error.
    what: of the file, as a clause's subject.
    num_bytes: its size.

  Raises:
    DataFileError: more than `MAX_BYTES`.
  """
  if num_bytes > MAX_BYTES:
    raise DataFileError(
      path,
      f'{what} has {num_bytes:,} bytes; at most {MAX_BYTES:,} are read',
      _REMEDY,
    )


def check_file(path: Path) -> None:
  """Refuses a file that is larger than any data set."""
  check_size(path, 'it', os.path.getsize(path))


def check_shape(path: Path, shape: Sequence[int], item_bytes: int) -> int:
  """Returns the bytes that a header promises; the product does not wrap."""
  num_bytes = item_bytes
  for size in shape:
    num_bytes *= int(size)
  check_size(path, f'an array {list(shape)} in it', num_bytes)
  return num_bytes
