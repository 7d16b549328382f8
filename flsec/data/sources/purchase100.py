"""PURCHASE100, from the published archive or an .npz."""

from flsec import registry
from flsec.data import splitting, tabular
from flsec.data.dataset import Dataset
from flsec.data.download import fetch_with_keras
from flsec.data.locate import find_files

FILES = (('dataset_purchase.tgz',), ('purchase100.npz',))
ORIGIN = (
  'https://github.com/privacytrustlab/datasets/raw/master/dataset_purchase.tgz'
)
_MEMBER = 'dataset_purchase'
_NUM_FEATURES, _NUM_CLASSES, _NUM_ROWS = 600, 100, 197_324


@registry.dataset('purchase100', paper='Shokri et al., S&P 2017')
def purchase100(
  data_dir: str,
  *,
  num_train: int = 180_000,
  split_seed: int = 0,
  verify_checksum: bool = True,
) -> Dataset:
  """197,324 shoppers' purchases, 600 binary features, 100 classes.

  Args:
    data_dir: folder of dataset_purchase.tgz or purchase100.npz; else the
      archive comes here.
    num_train: as of `location30`, and so is split_seed.
    split_seed: see num_train.
    verify_checksum: refuse another number of rows or classes (no checksum was
      published). Set it to false for a copy of your own.

  Returns:
    x uint8 [M, 600] of 0 and 1; scale is 1.

  Raises:
    DataFileError, ValueError: as `location30`.

  References:
    Shokri et al., S&P 2017; split as in AGRAMPLIFIER's table of data sets.
  """
  paths = find_files(data_dir, FILES)
  path = paths[0] if paths else fetch_with_keras(ORIGIN, data_dir)
  x, y = tabular.read_labelled(path, _MEMBER, _NUM_FEATURES, _NUM_CLASSES)
  if verify_checksum:
    tabular.check_size(path, x, y, (_NUM_ROWS, _NUM_CLASSES))
  return splitting.shuffled_dataset(
    'purchase100',
    x,
    y,
    num_classes=_NUM_CLASSES,
    num_train=num_train,
    split_seed=split_seed,
  )
