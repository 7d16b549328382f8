"""Reads a trigger from a NumPy file."""

from collections.abc import Sequence

import numpy as np

from flsec.attacks.data.numpy_file import check_numbers, read_arrays

Entry = tuple[tuple[int, ...], float]


def read_entries(path: str, position: Sequence[int]) -> tuple[Entry, ...]:
  """Returns the entries of the trigger that a file holds.

  An .npy file holds the values, [h, w] for all channels alike, [h, w, channels]
  or [features]; NaN leaves an entry as it is. An .npz file holds them as
  `pattern` and may hold `mask`, of the same shape, not zero where the trigger
  writes. Values are in model input units; uint8 ones are divided by 255.

  Args:
    path: of the file.
    position: where the pattern's upper left corner lies, (row, column);
      [features] patterns are not moved.

  Returns:
    (index, value) pairs.

  Raises:
    ValueError: if the file is missing, unreadable, holds no `pattern`, or if
      nothing in it writes.
  """
  pattern, mask = _read(path)
  if pattern.ndim not in (1, 2, 3) or mask.shape != pattern.shape:
    raise ValueError(
      f'The trigger file {path} must hold a pattern [h, w], [h, w, channels] '
      'or [features], and a mask of the same shape if any; got '
      f'{pattern.shape} and {mask.shape}.'
    )
  if pattern.dtype == np.uint8:
    pattern = pattern / 255.0
  writes = mask & ~np.isnan(pattern)
  if not writes.any():
    raise ValueError(f'The trigger file {path} writes nowhere.')
  shift = [0] if pattern.ndim == 1 else [*position, 0][: pattern.ndim]
  if min(shift) < 0:
    raise ValueError(
      f'The position of a trigger file must not be negative; got {position}.'
    )
  return tuple(
    (tuple(int(i + s) for i, s in zip(index, shift)), float(pattern[index]))
    for index in zip(*np.nonzero(writes))
  )


def _read(path: str) -> tuple[np.ndarray, np.ndarray]:
  arrays = read_arrays('The trigger', path)
  if 'pattern' not in arrays:
    raise ValueError(
      f'The trigger file {path} must hold the array `pattern`; it holds '
      f'{", ".join(arrays) or "none"}.'
    )
  pattern = arrays['pattern']
  mask = arrays.get('mask', np.ones(pattern.shape))
  check_numbers('The trigger', path, 'pattern', pattern)
  check_numbers('The trigger', path, 'mask', mask)
  return pattern, np.not_equal(mask, 0)
