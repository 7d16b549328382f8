"""Fashion-MNIST, from an .npz like Keras' or from the four IDX files."""

import os

from flsec import registry
from flsec.data import idx_or_npz, verify
from flsec.data.dataset import Dataset
from flsec.data.download import fetch_with_keras
from flsec.data.locate import find_files

# Only in a folder of its own: MNIST's files have the same names.
FILES = (
  ('fashion_mnist.npz',),
  (
    'fashion-mnist/train-images-idx3-ubyte.gz',
    'fashion-mnist/train-labels-idx1-ubyte.gz',
    'fashion-mnist/t10k-images-idx3-ubyte.gz',
    'fashion-mnist/t10k-labels-idx1-ubyte.gz',
  ),
)
KERAS_FILES = (
  (
    'fashion-mnist/train-images-idx3-ubyte.gz',
    'fashion-mnist/train-labels-idx1-ubyte.gz',
    'fashion-mnist/t10k-images-idx3-ubyte.gz',
    'fashion-mnist/t10k-labels-idx1-ubyte.gz',
  ),
)
ORIGIN = 'https://storage.googleapis.com/tensorflow/tf-keras-datasets/'
_MD5 = {
  'train-images-idx3-ubyte.gz': '8d4fb7e6c68d591d4c3dfef9ec88bf0d',
  'train-labels-idx1-ubyte.gz': '25c81989df183df01b3e8a0aad5dffbe',
  't10k-images-idx3-ubyte.gz': 'bef4ecab320f06d8554ea6380940ec79',
  't10k-labels-idx1-ubyte.gz': 'bb300cfdad3c16e7a12a480ee83cd310',
}


@registry.dataset('fashion_mnist', paper='Xiao et al., arXiv 2017')
def fashion_mnist(data_dir: str, *, verify_checksum: bool = True) -> Dataset:
  """60,000 + 10,000 pieces of clothing, 28x28 grey, 10 classes.

  Args:
    data_dir: folder of fashion_mnist.npz, or with the four IDX .gz files in
      its folder fashion-mnist; Keras' cache is looked at next, then the four
      are downloaded to data_dir/fashion-mnist.
    verify_checksum: refuse IDX files whose MD5 is not the published one, and
      class counts other than 6,000 and 1,000. Set it to false for a copy of
      your own.

  Returns:
    x uint8 [M, 28, 28, 1].

  Raises:
    DataFileError: missing and not downloadable, damaged, or another data set.
  """
  paths = find_files(data_dir, FILES, KERAS_FILES)
  if paths is None:
    folder = os.path.join(data_dir, 'fashion-mnist')
    paths = tuple(
      fetch_with_keras(ORIGIN + file, folder, file_hash=md5)
      for file, md5 in _MD5.items()
    )
  if verify_checksum and len(paths) > 1:
    idx_or_npz.check_idx_checksums(paths, _MD5)
  dataset = idx_or_npz.build(
    'fashion_mnist', paths, idx_or_npz.read_images(paths)
  )
  if verify_checksum:
    verify.check_class_counts(
      paths[0], 'training', dataset.y_train, [6000] * 10
    )
    verify.check_class_counts(paths[0], 'test', dataset.y_test, [1000] * 10)
  return dataset
