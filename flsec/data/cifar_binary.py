"""Reads CIFAR's binary batches: a label and 3,072 bytes for each image."""

from typing import BinaryIO

import numpy as np

from flsec.data import limits
from flsec.data.errors import DataFileError, Path, guarded

SIDE = 32
IMAGE_BYTES = 3 * SIDE * SIDE
_RECORD_BYTES = 1 + IMAGE_BYTES
_AGAIN = 'Delete it and download cifar-10-binary.tar.gz again.'


@guarded(_AGAIN)
def read_batch(path: Path) -> tuple[np.ndarray, np.ndarray]:
  """Reads one binary batch.

  Args:
    path: e.g. `cifar-10-batches-bin/data_batch_1.bin`.

  Returns:
    uint8 [M, 3072] and uint8 labels [M].

  Raises:
    DataFileError: truncated, or a pickle, which is never read.
  """
  limits.check_file(path)
  with open(path, 'rb') as file:
    return read_stream(path, file)


def read_stream(path: Path, file: BinaryIO) -> tuple[np.ndarray, np.ndarray]:
  """Reads a batch from an open file; `path` is for errors."""
  content = file.read()
  if content[:1] == b'\x80':
    raise DataFileError(
      path,
      'is a Python pickle where a binary batch should be; unpickling could '
      'run anything, so it is not read',
      _AGAIN,
    )
  if not content or len(content) % _RECORD_BYTES:
    raise DataFileError(
      path,
      f'holds {len(content)} bytes, not a multiple of {_RECORD_BYTES}: '
      'truncated, or another file',
      _AGAIN,
    )
  records = np.frombuffer(content, np.uint8).reshape(-1, _RECORD_BYTES)
  return records[:, 1:], records[:, 0]


def to_images(rows: list[np.ndarray]) -> np.ndarray:
  """Returns batches [M, 3072] (red, green, blue planes) as [M, 32, 32, 3]."""
  images = np.empty((sum(map(len, rows)), SIDE, SIDE, 3), np.uint8)
  start = 0
  for batch in rows:
    planes = batch.reshape(-1, 3, SIDE, SIDE)
    images[start : start + len(batch)] = planes.transpose(0, 2, 3, 1)
    start += len(batch)
  return images
