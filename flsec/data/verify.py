"""Checks that arrays read from files are the data set that they claim to be."""

import hashlib
import zlib
from collections.abc import Sequence

import numpy as np
from absl import logging

from flsec.data.errors import DataFileError, Path, guarded

_AGAIN = 'Delete it and download it again.'
_OWN_COPY = (
  'If it is a copy of your own, set the option verify_checksum to false.'
)


def fingerprint(x: np.ndarray, y: np.ndarray) -> str:
  """Returns a digest of labelled examples that their order does not change.

  Copies of a data set differ in compression and in order; what counts is
  which examples they hold: SHA-256 of the sorted CRC-32 of the rows.

  Args:
    x: [M, ...] uint8.
    y: [M] labels below 256.
  """
  rows = np.ascontiguousarray(x, np.uint8).reshape(len(x), -1)
  labels = np.asarray(y, np.uint8)
  checks = [zlib.crc32(row, label) for row, label in zip(rows, labels.tolist())]
  return hashlib.sha256(np.sort(np.array(checks, '<u4')).tobytes()).hexdigest()


@guarded(_AGAIN)
def check_fingerprint(
  path: Path, part: str, x: np.ndarray, y: np.ndarray, expected: str
) -> None:
  """Refuses examples whose digest is not the published one."""
  found = fingerprint(x, y)
  if found != expected:
    raise DataFileError(
      path,
      f'the checksum of its {part} examples is {found[:12]}..., not '
      f'{expected[:12]}...: damaged, or another data set',
      f'Delete it and download it again. {_OWN_COPY}',
    )


@guarded(_AGAIN)
def check_file_md5(path: Path, expected: str) -> None:
  """Refuses a file whose MD5 is not the published one."""
  digest = hashlib.md5()
  with open(path, 'rb') as file:
    for block in iter(lambda: file.read(1 << 20), b''):
      digest.update(block)
  if digest.hexdigest() != expected:
    raise DataFileError(
      path,
      f'its MD5 is {digest.hexdigest()}, the published one {expected}',
      f'Delete it and download it again. {_OWN_COPY}',
    )


@guarded(_AGAIN)
def check_images(
  path: Path, x: np.ndarray, y: np.ndarray, shape: tuple[int, ...]
) -> None:
  """Refuses images of another shape or type, or without a label each."""
  if x.dtype != np.uint8 or x.shape[1:] != shape or y.shape[:1] != x.shape[:1]:
    raise DataFileError(
      path,
      f'expected uint8 images {shape} and as many labels; found '
      f'{x.dtype} {x.shape} and {y.size} labels',
      'Delete it and download it again.',
    )


@guarded(_AGAIN)
def check_labels(path: Path, y: np.ndarray, num_classes: int) -> np.ndarray:
  """Returns the labels as int32 [M]; refuses one that is out of range."""
  labels = np.asarray(y)
  if labels.ndim != 1 or labels.dtype.kind not in 'iu' or not len(labels):
    raise DataFileError(
      path,
      f'expected whole-number labels [M]; found {labels.dtype} {labels.shape}',
      'Delete it and download it again.',
    )
  low, high = labels.min(), labels.max()
  if low < 0 or high >= num_classes:
    row = int(np.argmax((labels < 0) | (labels >= num_classes)))
    raise DataFileError(
      path,
      f'label {labels[row]} of example {row} is out of range 0 to '
      f'{num_classes - 1}',
      'The file is damaged or another data set: download it again.',
    )
  return labels.astype(np.int32)


def check_class_counts(
  path: Path, part: str, y: np.ndarray, expected: Sequence[int]
) -> None:
  """Refuses labels whose count per class is not the published one."""
  found = np.bincount(y, minlength=len(expected)).tolist()
  if found != list(expected):
    raise DataFileError(
      path,
      f'its {part} examples per class are {found}, not {list(expected)}',
      f'Delete it and download it again. {_OWN_COPY}',
    )


def report_count(path: Path, what: str, found: int, published: int) -> None:
  """Logs that a whole file holds less than the published data set."""
  if found != published:
    logging.warning(
      '%s: %d %s, the published data set has %d.', path, found, what, published
    )
