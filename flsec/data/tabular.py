"""What LOCATION30, PURCHASE100 and TEXAS100 have in common."""

import functools
from collections.abc import Sequence

import numpy as np

from flsec.data import archive, binary_text, npz
from flsec.data.errors import DataFileError, Path, guarded

_NAMES = (
  ('x', 'y'),
  ('X', 'Y'),
  ('features', 'labels'),
  ('feats', 'labels'),
)
_AGAIN = 'Delete it and download it again.'


@guarded(_AGAIN)
def read_labelled(
  path: str, member: str, num_features: int, num_classes: int
) -> tuple[np.ndarray, np.ndarray]:
  """Reads an .npz, or the one member of an archive that has label and features.

  Args:
    path: an .npz, or else a .tgz.
    member: the archive's member, lines of a label and D features.
    num_features: D.
    num_classes: C.

  Returns:
    uint8 [M, D] of 0 and 1, and int32 labels [M] from 0 to C - 1.

  Raises:
    DataFileError: damaged, of another shape, or not of 0 and 1.
  """
  if path.endswith('.npz'):
    return read_npz(path, num_features, num_classes)
  read = functools.partial(
    binary_text.read_labelled_rows, path, num_features=num_features
  )
  x, y = archive.read_members(path, {member: read})[member]
  return x, numbered(path, y, num_classes)


@guarded(_AGAIN)
def read_npz(
  path: Path, num_features: int, num_classes: int
) -> tuple[np.ndarray, np.ndarray]:
  """Reads features and labels of an .npz.

  The arrays may be called x and y, X and Y, features and labels, or feats and
  labels; labels may be one-hot.

  Args:
    path: the .npz.
    num_features: D.
    num_classes: C.

  Returns:
    uint8 [M, D] of 0 and 1, and int32 labels [M] from 0 to C - 1.

  Raises:
    DataFileError: damaged, of another shape, or not of 0 and 1.
  """
  x, y = npz.read_npz(path, *_NAMES)
  if x.ndim != 2 or x.shape[1] != num_features or y.shape[:1] != (len(x),):
    raise DataFileError(
      path,
      f'expected features [M, {num_features}] and M labels; found '
      f'{list(x.shape)} and {list(y.shape)}',
      _AGAIN,
    )
  if x.dtype.kind not in 'biuf' or not ((x == 0) | (x == 1)).all():
    raise DataFileError(path, 'has a feature that is no 0 or 1', _AGAIN)
  if y.ndim == 2 and y.shape[1] == num_classes:
    y = y.argmax(axis=1)
  return x.astype(np.uint8), numbered(path, y, num_classes)


@guarded(_AGAIN)
def numbered(path: Path, y: np.ndarray, num_classes: int) -> np.ndarray:
  """Returns labels from 0; published ones run from 1.

  Args:
    path: the file, for errors.
    y: whole numbers [M] from 0 to C - 1 or from 1 to C.
    num_classes: C.

  Returns:
    int32 [M] from 0 to C - 1.

  Raises:
    DataFileError: a label out of range, or labels that could be either.
  """
  y = np.asarray(y)
  is_number = y.dtype.kind in 'biuf'
  if y.ndim != 1 or not len(y) or not is_number or (y != np.rint(y)).any():
    raise DataFileError(path, 'has labels that are no whole numbers', _AGAIN)
  low, high = int(y.min()), int(y.max())
  if low == 0 and high < num_classes:
    return y.astype(np.int32)
  if low == 1 and high == num_classes:
    return (y - 1).astype(np.int32)
  raise DataFileError(
    path,
    f'its labels run from {low} to {high}; expected 0 to {num_classes - 1} or '
    f'1 to {num_classes}',
    'The file is damaged or another data set: download it again.',
  )


@guarded(_AGAIN)
def check_size(
  path: Path, x: np.ndarray, y: np.ndarray, published: Sequence[int]
) -> None:
  """Refuses another number of rows or of classes than the published one.

  Args:
    path: the file, for errors.
    x: features [M, D].
    y: labels [M].
    published: M and C.
  """
  found = (len(x), len(np.unique(y)))
  if found != tuple(published) or len(x) != len(y):
    raise DataFileError(
      path,
      f'holds {found[0]} rows and {len(y)} labels of {found[1]} classes; '
      f'published are {published[0]} of {published[1]}',
      f'{_AGAIN} If it is a copy of your own, set the option verify_checksum '
      'to false.',
    )
