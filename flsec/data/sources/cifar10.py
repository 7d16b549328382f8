"""CIFAR-10, from the binary version or from Keras' cache."""

import functools
import os

import numpy as np

from flsec import registry
from flsec.data import archive, cifar_binary, pickle_stream, verify
from flsec.data.dataset import Dataset
from flsec.data.download import fetch_with_keras
from flsec.data.errors import Path
from flsec.data.locate import find_files

FILES = (
  (
    'cifar-10-batches-bin/data_batch_1.bin',
    'cifar-10-batches-bin/test_batch.bin',
  ),
  ('cifar-10-binary.tar.gz',),
  (
    'cifar-10-batches-py/data_batch_1',
    'cifar-10-batches-py/test_batch',
  ),
)
KERAS_FILES = (
  (
    'cifar-10-batches-py/data_batch_1',
    'cifar-10-batches-py/test_batch',
  ),
)
ORIGIN = 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz'
_ARCHIVE_MD5 = 'c32a1d4ab5d03f1284b67883e8d87530'
_PYTHON_MD5 = {
  'data_batch_1': 'c99cafc152244af753f735de768cd75f',
  'data_batch_2': 'd4bba439e000b95fd0a9bffe97cbabec',
  'data_batch_3': '54ebc095f3ab1f0389bbae665268c751',
  'data_batch_4': '634d18415352ddfa80567beed471001a',
  'data_batch_5': '482c414d41f54cd18b22e5b47cb7c3cb',
  'test_batch': '40351d587109b95175f43aff81a1287e',
}
_BATCHES = tuple(_PYTHON_MD5)
_NUM_TRAIN, _NUM_TEST = 50_000, 10_000
_Batch = tuple[np.ndarray, np.ndarray]


@registry.dataset('cifar10', paper='Krizhevsky, University of Toronto 2009')
def cifar10(data_dir: str, *, verify_checksum: bool = True) -> Dataset:
  """50,000 + 10,000 photographs, 32x32 colour, 10 classes.

  Looked for, in this order: the folder cifar-10-batches-bin, the archive
  cifar-10-binary.tar.gz, and the folder cifar-10-batches-py that Keras keeps,
  here and in Keras' cache. The last holds pickles; their images are picked
  out without running them.

  Args:
    data_dir: folder of one of them; else the archive is downloaded here.
    verify_checksum: refuse an archive or a Python batch whose MD5 is not the
      published one. Binary batches have no published checksum: they must be
      whole, and a warning says so where there are fewer images.

  Returns:
    x uint8 [M, 32, 32, 3].

  Raises:
    DataFileError: missing and not downloadable, damaged, or a pickle where a
      binary batch should be.
  """
  paths = find_files(data_dir, FILES, KERAS_FILES)
  if paths is None:
    archive_path = fetch_with_keras(ORIGIN, data_dir, file_hash=_ARCHIVE_MD5)
    paths = (archive_path,)
  batches = _read(paths, verify_checksum)
  test_x, test_y = batches.pop('test_batch')
  where = os.path.dirname(paths[0]) if len(paths) > 1 else paths[0]
  y_train = np.concatenate([y for _, y in batches.values()])
  verify.report_count(where, 'training images', len(y_train), _NUM_TRAIN)
  verify.report_count(where, 'test images', len(test_y), _NUM_TEST)
  return Dataset(
    name='cifar10',
    x_train=cifar_binary.to_images([x for x, _ in batches.values()]),
    y_train=verify.check_labels(where, y_train, 10),
    x_test=cifar_binary.to_images([test_x]),
    y_test=verify.check_labels(where, test_y, 10),
    num_classes=10,
  )


def _read(paths: tuple[str, ...], verify_checksum: bool) -> dict[str, _Batch]:
  """Returns (rows, labels) of each batch that is there, in order."""
  if len(paths) == 1:
    if verify_checksum:
      verify.check_file_md5(paths[0], _ARCHIVE_MD5)
    return _read_archive(paths[0])
  folder = os.path.dirname(paths[0])
  is_binary = paths[0].endswith('.bin')
  batches = {}
  for name in _BATCHES:
    path = os.path.join(folder, f'{name}.bin' if is_binary else name)
    if not os.path.exists(path):
      continue
    if is_binary:
      batches[name] = cifar_binary.read_batch(path)
      continue
    if verify_checksum:
      verify.check_file_md5(path, _PYTHON_MD5[name])
    batches[name] = pickle_stream.read_batch(path, cifar_binary.IMAGE_BYTES)
  return batches


def _read_archive(path: Path) -> dict[str, _Batch]:
  read = functools.partial(cifar_binary.read_stream, path)
  members = {name: f'cifar-10-batches-bin/{name}.bin' for name in _BATCHES}
  made = archive.read_members(path, dict.fromkeys(members.values(), read))
  return {name: made[member] for name, member in members.items()}
