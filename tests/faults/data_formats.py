"""Every format of a data file: what writes a whole one, and what reads one."""

import gzip
import pathlib

import numpy as np
import published_files

from flsec.data import (
  cifar_binary,
  emnist_sqlite,
  idx,
  leaf_json,
  npz,
  pickle_stream,
  tabular,
)


def _idx(path):
  images = published_files.random_images(4, (5, 5))
  path.write_bytes(gzip.compress(published_files.idx_bytes(images), 1))


def _cifar_binary(path):
  images = published_files.random_images(3, (32, 32, 3))
  path.write_bytes(published_files.cifar_record_bytes(images, [0, 1, 9]))


def _cifar_python(path):
  images = published_files.random_images(3, (32, 32, 3))
  path.write_bytes(published_files.cifar_python_batch(images, [0, 1, 9]))


def _emnist(path):
  image = published_files.random_images(2, (784,))
  rows = [('a', image[0], 3), ('b', image[1], 4)]
  splits = ('digits_only_train', 'digits_only_test')
  published_files.write_emnist(path, dict.fromkeys(splits, rows))


def _leaf(path):
  images = published_files.random_images(2, (784,))
  published_files.write_leaf(path, {'a': (images, [3, 4])})


def _leaf_folder(path):
  folder = path.parent / 'leaf'
  folder.mkdir(exist_ok=True)
  (folder / 'data.json').write_bytes(path.read_bytes())
  return leaf_json.read_folder(folder, only_digits=True)


def _table(path):
  np.savez(path, features=np.eye(4, dtype=np.uint8), labels=np.arange(4))


_MNIST = ('x_train', 'y_train', 'x_test', 'y_test')
# Name -> what writes a whole one, and what reads one.
FORMATS = {
  'mnist.npz': (
    lambda path: published_files.write_npz(path, 3, 2),
    lambda path: npz.read_npz(path, _MNIST),
  ),
  'images.gz': (_idx, idx.read_idx),
  'batch.bin': (_cifar_binary, cifar_binary.read_batch),
  'data_batch_1': (
    _cifar_python,
    lambda path: pickle_stream.read_batch(path, cifar_binary.IMAGE_BYTES),
  ),
  'emnist.sqlite': (
    _emnist,
    lambda path: emnist_sqlite.read(path, only_digits=True),
  ),
  'leaf.json': (_leaf, _leaf_folder),
  'table.npz': (_table, lambda path: tabular.read_npz(path, 4, 4)),
}
_contents: dict[str, bytes] = {}


def whole(name: str, write, folder: pathlib.Path) -> bytes:
  """Returns the bytes of an undamaged file, which is written once."""
  if name not in _contents:
    path = folder / f'whole_{name}'
    write(path)
    _contents[name] = path.read_bytes()
    path.unlink()
  return _contents[name]
