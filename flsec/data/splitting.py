"""Divides a data set that was published in one piece."""

import numpy as np

from flsec.data.dataset import Dataset
from flsec.seeds import generator


def stratified_split(
  y: np.ndarray, *, test_fraction: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
  """Holds out the same share of each class.

  Args:
    y: labels [M].
    test_fraction: the share, within (0, 1); rounded for each class.
    seed: chooses which examples.

  Returns:
    Indices of the training and of the test examples, ascending.

  Raises:
    ValueError: if test_fraction is not within (0, 1).
  """
  if not 0 < test_fraction < 1:
    raise ValueError(f'test_fraction must be in (0, 1); got {test_fraction}.')
  rng = generator(seed, 'stratified split')
  is_test = np.zeros(len(y), bool)
  for label in np.unique(y):
    members = rng.permutation(np.flatnonzero(y == label))
    is_test[members[: round(test_fraction * len(members))]] = True
  return np.flatnonzero(~is_test), np.flatnonzero(is_test)


def shuffled_dataset(
  name: str,
  x: np.ndarray,
  y: np.ndarray,
  *,
  num_classes: int,
  num_train: int,
  split_seed: int,
) -> Dataset:
  """Shuffles features; the first num_train train, the others test.

  Args:
    name: the data set's name.
    x: uint8 features [M, D], fed to the model as they are.
    y: int32 labels [M].
    num_classes: labels run from 0 to num_classes - 1.
    num_train: number of training examples, from 1 to M - 1.
    split_seed: seed of the shuffle.

  Raises:
    ValueError: if num_train leaves no training or no test example.
  """
  if not 0 < num_train < len(y):
    raise ValueError(
      f'num_train of {name} must be from 1 to {len(y) - 1}, so that test '
      f'examples remain of its {len(y)}; got {num_train}.'
    )
  order = generator(split_seed, 'shuffled split').permutation(len(y))
  train, test = order[:num_train], order[num_train:]
  return Dataset(
    name, x[train], y[train], x[test], y[test], num_classes, scale=1.0
  )
