"""FEMNIST, from TFF's EMNIST database or from LEAF's JSON."""

import os

import numpy as np

from flsec import registry
from flsec.data import emnist_sqlite, leaf_json, verify
from flsec.data.dataset import Dataset
from flsec.data.download import fetch_emnist_with_tff
from flsec.data.errors import DataFileError, Path
from flsec.data.locate import find_files
from flsec.data.writer_split import WriterSplit

FILES = (
  ('emnist_all.sqlite',),
  ('femnist/train', 'femnist/test'),
  ('femnist/data/train', 'femnist/data/test'),
)
ORIGIN = (
  'https://storage.googleapis.com/tff-datasets-public/emnist_all.sqlite.lzma'
)
# Training and test examples, writers, as published by TFF.
_PUBLISHED = {True: (341_873, 40_832, 3_383), False: (671_585, 77_483, 3_400)}


@registry.dataset('femnist', paper='Caldas et al. (LEAF), arXiv 2018')
def femnist(data_dir: str, *, only_digits: bool = True) -> Dataset:
  """Handwriting by 3,383 writers, 28x28 grey, 10 digits or 62 characters.

  Stored as black on white; scale and shift make the model's input white on
  black, 1 - pixel, like MNIST's.

  Args:
    data_dir: folder of TFF's emnist_all.sqlite, or with LEAF's JSON in its
      folders femnist/train and femnist/test; else TFF's loader downloads the
      database here.
    only_digits: 10 digits; false means all 62 characters.

  Returns:
    x uint8 [M, 28, 28, 1]; `writers` numbers the clients in TFF's order (by
    their names). A file with fewer writers than published is read, and a
    warning says so.

  Raises:
    DataFileError: missing and not downloadable, damaged, or another schema.

  References:
    Caldas et al., "LEAF: A Benchmark for Federated Settings", arXiv 2018;
    Cohen et al., "EMNIST", IJCNN 2017.
  """
  paths = find_files(data_dir, FILES)
  if paths is None:
    file = os.path.basename(FILES[0][0])
    paths = (fetch_emnist_with_tff(ORIGIN, data_dir, file=file),)
  if len(paths) == 1:
    train, test = emnist_sqlite.read(paths[0], only_digits=only_digits)
  else:
    train, test = (
      leaf_json.read_folder(path, only_digits=only_digits) for path in paths
    )
  num_classes = 10 if only_digits else 62
  _check_complete(paths[0], train, test, only_digits)
  return Dataset(
    name='femnist',
    x_train=train.x,
    y_train=verify.check_labels(paths[0], train.y, num_classes),
    x_test=test.x,
    y_test=verify.check_labels(paths[-1], test.y, num_classes),
    num_classes=num_classes,
    scale=-1.0 / 255.0,
    shift=1.0,
    writers=train.writers,
  )


def _check_complete(
  path: Path, train: WriterSplit, test: WriterSplit, only_digits: bool
) -> None:
  for part, split in (('training', train), ('test', test)):
    if not len(split.y):
      raise DataFileError(
        path, f'holds no {part} example', 'Delete it and download it again.'
      )
  num_train, num_test, num_writers = _PUBLISHED[only_digits]
  verify.report_count(path, 'training images', len(train.y), num_train)
  verify.report_count(path, 'test images', len(test.y), num_test)
  found = len(np.unique(train.writers))
  verify.report_count(path, 'writers', found, num_writers)
