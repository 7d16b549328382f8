import pickle

import numpy as np
import pytest
from published_files import cifar_record_bytes, random_images

from flsec.data import cifar_binary
from flsec.data.errors import DataFileError

_IMAGES = random_images(4, (32, 32, 3))


def test_images_come_back(tmp_path):
  path = tmp_path / 'test_batch.bin'
  path.write_bytes(cifar_record_bytes(_IMAGES, [3, 9, 0, 1]))
  rows, labels = cifar_binary.read_batch(path)
  np.testing.assert_array_equal(labels, [3, 9, 0, 1])
  np.testing.assert_array_equal(
    cifar_binary.to_images([rows[:1], rows[1:]]), _IMAGES
  )


def test_planes_are_red_green_blue(tmp_path):
  path = tmp_path / 'test_batch.bin'
  path.write_bytes(bytes([5]) + b'\1' * 1024 + b'\2' * 1024 + b'\3' * 1024)
  rows, _ = cifar_binary.read_batch(path)
  image = cifar_binary.to_images([rows])[0]
  assert (image == [1, 2, 3]).all()


def test_a_pickle_is_refused_and_never_run(tmp_path):
  path = tmp_path / 'data_batch_1.bin'
  path.write_bytes(pickle.dumps({b'data': b'x' * 3068}))
  with pytest.raises(DataFileError, match='pickle where a binary batch') as e:
    cifar_binary.read_batch(path)
  assert 'cifar-10-binary.tar.gz' in str(e.value)


@pytest.mark.parametrize('size', [0, 1, 3072, 3074])
def test_refuses_a_batch_that_is_not_whole(tmp_path, size):
  path = tmp_path / 'data_batch_1.bin'
  path.write_bytes(b'\1' * size)
  with pytest.raises(DataFileError, match=f'{size} bytes, not a multiple'):
    cifar_binary.read_batch(path)
