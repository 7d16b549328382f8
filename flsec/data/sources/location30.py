"""LOCATION30, from the published archive or an .npz."""

from flsec import registry
from flsec.data import splitting, tabular, verify
from flsec.data.dataset import Dataset
from flsec.data.download import fetch_with_keras
from flsec.data.locate import find_files

FILES = (('dataset_location.tgz',), ('location30.npz',), ('location.npz',))
ORIGIN = (
  'https://github.com/privacytrustlab/datasets/raw/master/dataset_location.tgz'
)
_MEMBER = 'bangkok'
_NUM_FEATURES, _NUM_CLASSES = 446, 30
# Of the rows, in any order.
_FINGERPRINT = (
  '049bf1b5c2202746ff5ecaa1ac94220f834d9ca81d04d832135aa3bba44821c1'
)


@registry.dataset('location30', paper='Shokri et al., S&P 2017')
def location30(
  data_dir: str,
  *,
  num_train: int = 4000,
  split_seed: int = 0,
  verify_checksum: bool = True,
) -> Dataset:
  """5,010 users' check-ins in Bangkok, 446 binary features, 30 classes.

  Args:
    data_dir: folder of dataset_location.tgz or location30.npz; else the
      archive is downloaded here. It is read in memory, never unpacked.
    num_train: training examples; the others test.
    split_seed: seed of the shuffle before that.
    verify_checksum: refuse any row that is not the published one (their order
      is free). Set it to false for a copy of your own.

  Returns:
    x uint8 [M, 446] of 0 and 1; scale is 1.

  Raises:
    DataFileError: missing and not downloadable, damaged, or another data set.
    ValueError: num_train leaves no training or no test example.

  References:
    Shokri et al., "Membership Inference Attacks Against Machine Learning
    Models", S&P 2017; split as in AGRAMPLIFIER's table of data sets.
  """
  paths = find_files(data_dir, FILES)
  path = paths[0] if paths else fetch_with_keras(ORIGIN, data_dir)
  x, y = tabular.read_labelled(path, _MEMBER, _NUM_FEATURES, _NUM_CLASSES)
  if verify_checksum:
    verify.check_fingerprint(path, 'published', x, y, _FINGERPRINT)
  return splitting.shuffled_dataset(
    'location30',
    x,
    y,
    num_classes=_NUM_CLASSES,
    num_train=num_train,
    split_seed=split_seed,
  )
