import os

import numpy as np
import pytest
from published_files import write_idx_files, write_npz

from flsec import data
from flsec.data import download
from flsec.data.errors import DataFileError

_FOLDER = os.environ.get('FLSEC_DATA_DIR', '')


def _load(tmp_path):
  return data.load('mnist', str(tmp_path), verify_checksum=False)


def _assert_holds(mnist, arrays):
  for name, found in (
    ('x_train', mnist.x_train[..., 0]),
    ('y_train', mnist.y_train),
    ('x_test', mnist.x_test[..., 0]),
    ('y_test', mnist.y_test),
  ):
    np.testing.assert_array_equal(found, arrays[name])
  assert mnist.x_train.dtype == np.uint8 and mnist.y_test.dtype == np.int32
  assert mnist.input_shape == (28, 28, 1) and mnist.num_classes == 10


def test_reads_npz(tmp_path):
  arrays = write_npz(tmp_path / 'mnist.npz')
  _assert_holds(_load(tmp_path), arrays)


@pytest.mark.parametrize('folder', ['', 'mnist'])
def test_reads_idx_files(tmp_path, folder):
  arrays = write_npz(tmp_path / 'other.npz')
  write_idx_files(tmp_path / folder, arrays)
  _assert_holds(_load(tmp_path), arrays)


def test_reads_keras_cache(tmp_path):
  folder = tmp_path / 'keras' / 'datasets'
  folder.mkdir(parents=True)
  arrays = write_npz(folder / 'mnist.npz')
  _assert_holds(_load(tmp_path), arrays)


def test_refuses_other_images_than_the_published(tmp_path):
  write_npz(tmp_path / 'mnist.npz')
  with pytest.raises(DataFileError, match='checksum of its training') as error:
    data.load('mnist', str(tmp_path))
  assert str(tmp_path / 'mnist.npz') in str(error.value)


def test_refuses_a_truncated_npz(tmp_path):
  path = tmp_path / 'mnist.npz'
  write_npz(path)
  path.write_bytes(path.read_bytes()[:-100])
  with pytest.raises(DataFileError, match='truncated'):
    _load(tmp_path)


def test_refuses_a_label_out_of_range(tmp_path):
  arrays = write_npz(tmp_path / 'mnist.npz')
  arrays['y_test'][3] = 10
  np.savez(tmp_path / 'mnist.npz', **arrays)
  with pytest.raises(DataFileError, match='label 10 of example 3'):
    _load(tmp_path)


def test_refuses_labels_and_images_that_do_not_match(tmp_path):
  arrays = write_npz(tmp_path / 'other.npz')
  arrays['y_test'] = arrays['y_test'][:-1]
  write_idx_files(tmp_path, arrays)
  with pytest.raises(DataFileError, match='9 labels') as error:
    _load(tmp_path)
  assert 't10k-images' in str(error.value)


def test_a_missing_file_is_downloaded_and_failure_is_explained(
  tmp_path, monkeypatch
):
  def fail(*_):
    raise Exception('no network')

  monkeypatch.setattr(download, '_keras', fail)
  with pytest.raises(DataFileError) as error:
    data.load('mnist', str(tmp_path))
  for part in (str(tmp_path), 'tf-keras-datasets/mnist.npz', 'no network'):
    assert part in str(error.value)


@pytest.mark.skipif(
  not os.path.exists(os.path.join(_FOLDER, 'mnist.npz')),
  reason='needs mnist.npz in $FLSEC_DATA_DIR',
)
def test_the_real_mnist():
  mnist = data.load('mnist', _FOLDER)  # Checks the checksums.
  assert len(mnist.y_train) == 60_000 and len(mnist.y_test) == 10_000
  np.testing.assert_array_equal(
    np.bincount(mnist.y_train),
    [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
  )
  # The mean that is published with MNIST, of all training pixels.
  np.testing.assert_allclose(mnist.x_train.mean(), 33.318421449829934)
