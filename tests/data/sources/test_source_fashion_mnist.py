import numpy as np
import pytest
from published_files import write_idx_files, write_npz

from flsec import data
from flsec.data.errors import DataFileError
from flsec.data.sources import fashion_mnist as source


@pytest.mark.parametrize(
  'folder', ['fashion-mnist', 'keras/datasets/fashion-mnist']
)
def test_reads_idx_files_of_its_own_folder(tmp_path, folder):
  arrays = write_npz(tmp_path / 'other.npz')
  write_idx_files(tmp_path / folder, arrays)
  fashion = data.load('fashion_mnist', str(tmp_path), verify_checksum=False)
  np.testing.assert_array_equal(fashion.x_train[..., 0], arrays['x_train'])
  np.testing.assert_array_equal(fashion.y_test, arrays['y_test'])


def test_reads_npz(tmp_path):
  arrays = write_npz(tmp_path / 'fashion_mnist.npz')
  fashion = data.load('fashion_mnist', str(tmp_path), verify_checksum=False)
  np.testing.assert_array_equal(fashion.x_test[..., 0], arrays['x_test'])


def test_files_beside_those_of_mnist_are_not_taken_for_its_own(tmp_path):
  write_idx_files(tmp_path, write_npz(tmp_path / 'mnist.npz'))
  assert not data.locate_all(str(tmp_path))['fashion_mnist'].is_present
  assert data.locate_all(str(tmp_path))['mnist'].is_present


def test_refuses_a_file_of_another_md5(tmp_path):
  write_idx_files(tmp_path / 'fashion-mnist', write_npz(tmp_path / 'o.npz'))
  with pytest.raises(DataFileError, match='its MD5 is') as error:
    data.load('fashion_mnist', str(tmp_path))
  assert 'train-images-idx3-ubyte.gz' in str(error.value)


def test_refuses_other_class_counts(tmp_path):
  write_npz(tmp_path / 'fashion_mnist.npz')
  with pytest.raises(DataFileError, match='training examples per class'):
    data.load('fashion_mnist', str(tmp_path))


def test_downloads_the_four_files(tmp_path, monkeypatch):
  arrays = write_npz(tmp_path / 'o.npz')
  fetched = []

  def fetch(origin, folder, *, file_hash):
    write_idx_files(tmp_path / 'fashion-mnist', arrays)
    fetched.append((origin, file_hash))
    return f'{folder}/{origin.rsplit("/", 1)[1]}'

  monkeypatch.setattr(source, 'fetch_with_keras', fetch)
  fashion = data.load('fashion_mnist', str(tmp_path), verify_checksum=False)
  np.testing.assert_array_equal(fashion.y_train, arrays['y_train'])
  assert len(fetched) == 4 and len({md5 for _, md5 in fetched}) == 4
  assert all(origin.startswith(source.ORIGIN) for origin, _ in fetched)
