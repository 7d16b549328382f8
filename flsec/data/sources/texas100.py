"""TEXAS100, from the published archive or an .npz."""

import functools

import numpy as np

from flsec import registry
from flsec.data import archive, binary_text, splitting, tabular
from flsec.data.dataset import Dataset
from flsec.data.download import fetch_with_keras
from flsec.data.errors import DataFileError, Path
from flsec.data.locate import find_files

FILES = (('dataset_texas.tgz',), ('texas100.npz',))
ORIGIN = (
  'https://github.com/privacytrustlab/datasets/raw/master/dataset_texas.tgz'
)
_FEATURES, _LABELS = 'texas/100/feats', 'texas/100/labels'
_NUM_FEATURES, _NUM_CLASSES, _NUM_ROWS = 6169, 100, 67_330


@registry.dataset('texas100', paper='Shokri et al., S&P 2017')
def texas100(
  data_dir: str,
  *,
  num_train: int = 60_000,
  split_seed: int = 0,
  verify_checksum: bool = True,
) -> Dataset:
  """67,330 hospital stays in Texas, 6,169 binary features, 100 classes.

  Args:
    data_dir: folder of dataset_texas.tgz or texas100.npz; else the
      archive comes here.
    num_train: as of `location30`, and so is split_seed.
    split_seed: see num_train.
    verify_checksum: refuse another number of rows or classes (no checksum was
      published). Set it to false for a copy of your own.

  Returns:
    x uint8 [M, 6169] of 0 and 1; scale is 1.

  Raises:
    DataFileError, ValueError: as `location30`.

  References:
    Shokri et al., S&P 2017; split as in AGRAMPLIFIER's table of data sets.
  """
  paths = find_files(data_dir, FILES)
  path = paths[0] if paths else fetch_with_keras(ORIGIN, data_dir)
  if path.endswith('.npz'):
    x, y = tabular.read_npz(path, _NUM_FEATURES, _NUM_CLASSES)
  else:
    x, y = _read_archive(path)
  if verify_checksum:
    tabular.check_size(path, x, y, (_NUM_ROWS, _NUM_CLASSES))
  return splitting.shuffled_dataset(
    'texas100',
    x,
    y,
    num_classes=_NUM_CLASSES,
    num_train=num_train,
    split_seed=split_seed,
  )


def _read_archive(path: Path) -> tuple[np.ndarray, np.ndarray]:
  readers = {
    _FEATURES: functools.partial(
      binary_text.read_rows, path, num_features=_NUM_FEATURES
    ),
    _LABELS: functools.partial(binary_text.read_labels, path),
  }
  made = archive.read_members(path, readers)
  x, y = made[_FEATURES], tabular.numbered(path, made[_LABELS], _NUM_CLASSES)
  if len(x) != len(y):
    raise DataFileError(
      path,
      f'holds {len(x)} rows of features and {len(y)} labels',
      'Delete it and download it again.',
    )
  return x, y
