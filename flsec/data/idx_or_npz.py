"""Reads MNIST and data sets published in its two formats."""

import os
from collections.abc import Mapping, Sequence

import numpy as np

from flsec.data import idx, npz, verify
from flsec.data.dataset import Dataset
from flsec.data.errors import DataFileError, Path

_NPZ = ('x_train', 'y_train', 'x_test', 'y_test')


def read_images(paths: Sequence[Path]) -> tuple[np.ndarray, ...]:
  """Reads images [M, 28, 28] and labels [M] as stored.

  Args:
    paths: one Keras .npz, or four IDX .gz files in the order train images,
      train labels, test images, test labels.

  Returns:
    x_train, y_train, x_test, y_test.
  """
  if len(paths) == 1:
    return npz.read_npz(paths[0], _NPZ)
  return tuple(idx.read_idx(path) for path in paths)


def build(
  name: str, paths: Sequence[Path], arrays: Sequence[np.ndarray]
) -> Dataset:
  """Checks shapes and labels; images become [M, 28, 28, 1]."""
  where = [paths[0]] * 2 if len(paths) == 1 else [paths[0], paths[2]]
  x_train, y_train, x_test, y_test = arrays
  for path, x, y in zip(where, (x_train, x_test), (y_train, y_test)):
    verify.check_images(path, x, y, (28, 28))
  return Dataset(
    name=name,
    x_train=x_train[..., np.newaxis],
    y_train=verify.check_labels(where[0], y_train, 10),
    x_test=x_test[..., np.newaxis],
    y_test=verify.check_labels(where[1], y_test, 10),
    num_classes=10,
  )


def check_idx_checksums(
  paths: Sequence[Path], published: Mapping[str, str]
) -> None:
  """Refuses an IDX file whose MD5 is not the published one.

  Args:
    paths: the files.
    published: MD5 in hexadecimal digits, by file name.
  """
  for path in paths:
    name = os.path.basename(os.fspath(path))
    if name not in published:
      raise DataFileError(path, 'is not a published file name', 'Rename it.')
    verify.check_file_md5(path, published[name])
