"""Reads rows of 0s and 1s written as text, with or without a label first."""

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from flsec.data.errors import DataFileError, Path

_AGAIN = 'Delete it and download it again.'
_ZERO = ord('0')
_MAX_LABEL_BYTES = 256


def read_rows(path: Path, stream: BinaryIO, num_features: int) -> np.ndarray:
  """Reads lines such as `0,1,1,0`.

  Args:
    path: the file, for errors.
    stream: the text.
    num_features: D, numbers in a line.

  Returns:
    uint8 [M, D].

  Raises:
    DataFileError: a line of another length, or a feature that is no 0 or 1.
  """
  rows = bytearray()  # Grows in place: the text is many times a chunk's size.
  for number, line in _lines(stream, num_features):
    _append(path, rows, number, line, num_features)
  return _matrix(rows, num_features)


def read_labelled_rows(
  path: Path, stream: BinaryIO, num_features: int
) -> tuple[np.ndarray, np.ndarray]:
  """Reads lines such as `"13",0,1,1,0` or `13,0,1,1,0`.

  Args:
    path: the file, for errors.
    stream: the text.
    num_features: D, numbers in a line after the label.

  Returns:
    uint8 [M, D] and int64 labels [M] as written.

  Raises:
    DataFileError: as `read_rows`, or a label that is no number.
  """
  rows, labels = bytearray(), []
  for number, line in _lines(stream, num_features):
    label, _, features = line.partition(b',')
    labels.append(_number(path, number, label))
    _append(path, rows, number, features, num_features)
  return _matrix(rows, num_features), np.array(labels, np.int64)


def read_labels(path: Path, stream: BinaryIO) -> np.ndarray:
  """Reads one label a line; returns int64 [M]."""
  labels = [_number(path, number, line) for number, line in _lines(stream, 0)]
  return np.array(labels, np.int64)


def _lines(stream: BinaryIO, num_features: int) -> Iterator[tuple[int, bytes]]:
  # A file without line ends is one line, of any length.
  longest = 2 * num_features + _MAX_LABEL_BYTES
  lines = iter(lambda: stream.readline(longest + 1), b'')
  for number, line in enumerate(lines, start=1):
    if len(line) > longest:
      raise ValueError(f'line {number} has more than {longest} bytes')
    line = line.strip()
    if line:
      yield number, line


def _number(path: Path, number: int, text: bytes) -> int:
  try:
    value = float(text.strip(b'"'))
    if not value.is_integer():
      raise ValueError(f'{value} is no class')
    return int(value)
  except ValueError as error:
    found = f'line {number} has the label {text[:20]!r}, which is no number'
    raise DataFileError(path, found, _AGAIN) from error


def _append(
  path: Path, rows: bytearray, number: int, line: bytes, num_features: int
) -> None:
  """Adds a line's digits; refuses what is not D digits between commas."""
  digits = line[::2]
  if len(line) != 2 * num_features - 1 or digits.strip(b'01'):
    found = line.count(b',') + 1
    raise DataFileError(
      path,
      f'line {number} is not {num_features} features of 0 or 1 (it has '
      f'{found} fields in {len(line)} characters)',
      _AGAIN,
    )
  if line[1::2].strip(b','):
    raise DataFileError(
      path, f'line {number} has other separators than commas', _AGAIN
    )
  rows += digits


def _matrix(rows: bytearray, num_features: int) -> np.ndarray:
  matrix = np.frombuffer(rows, np.uint8).reshape(-1, num_features)
  matrix -= _ZERO  # In place: a bytearray can be written.
  return matrix
