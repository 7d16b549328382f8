"""MNIST, from Keras' .npz or from the four IDX files."""

import os

from flsec import registry
from flsec.data import idx_or_npz, verify
from flsec.data.dataset import Dataset
from flsec.data.download import fetch_with_keras
from flsec.data.locate import find_files

FILES = (
  ('mnist.npz',),
  (
    'train-images-idx3-ubyte.gz',
    'train-labels-idx1-ubyte.gz',
    't10k-images-idx3-ubyte.gz',
    't10k-labels-idx1-ubyte.gz',
  ),
  (
    'mnist/train-images-idx3-ubyte.gz',
    'mnist/train-labels-idx1-ubyte.gz',
    'mnist/t10k-images-idx3-ubyte.gz',
    'mnist/t10k-labels-idx1-ubyte.gz',
  ),
)
KERAS_FILES = (('mnist.npz',),)
ORIGIN = 'https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz'
_SHA256 = '731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1'
_TRAIN = '2e141b97ecca6bc0435254fb0943cb05af1b2d20a169fff6978a8d9720452593'
_TEST = 'f38f8aab38e092f59a1d7a04f4cf80ec6fd49c416877a73bf7569950c4518af1'


@registry.dataset('mnist', paper='LeCun et al., Proceedings of the IEEE 1998')
def mnist(data_dir: str, *, verify_checksum: bool = True) -> Dataset:
  """60,000 + 10,000 handwritten digits, 28x28 grey, 10 classes.

  Args:
    data_dir: folder of mnist.npz or of the four IDX .gz files; Keras' cache
      is looked at next, then mnist.npz is downloaded here.
    verify_checksum: refuse any image or label that is not the published one
      (their order is free). Set it to false for a copy of your own.

  Returns:
    x uint8 [M, 28, 28, 1].

  Raises:
    DataFileError: missing and not downloadable, damaged, or another data set.
  """
  paths = find_files(data_dir, FILES, KERAS_FILES)
  if paths is None:
    paths = (fetch_with_keras(ORIGIN, data_dir, file_hash=_SHA256),)
  dataset = idx_or_npz.build('mnist', paths, idx_or_npz.read_images(paths))
  if verify_checksum:
    where = os.path.dirname(paths[0]) if len(paths) > 1 else paths[0]
    verify.check_fingerprint(
      where, 'training', dataset.x_train, dataset.y_train, _TRAIN
    )
    verify.check_fingerprint(
      where, 'test', dataset.x_test, dataset.y_test, _TEST
    )
  return dataset
