import pickle

import numpy as np
import pytest
from published_files import cifar_python_batch, random_images

from flsec.data.errors import DataFileError
from flsec.data.pickle_stream import read_batch

_IMAGES = random_images(3, (32, 32, 3))
_LABELS = [9, 0, 4]


@pytest.mark.parametrize('is_column_major', [False, True])
def test_reads_what_python_would_unpickle(tmp_path, is_column_major):
  path = tmp_path / 'data_batch_1'
  path.write_bytes(cifar_python_batch(_IMAGES, _LABELS, is_column_major))
  rows, labels = read_batch(path, 3072)
  trusted = pickle.loads(path.read_bytes(), encoding='bytes')
  np.testing.assert_array_equal(rows, trusted[b'data'])
  np.testing.assert_array_equal(labels, trusted[b'labels'])
  np.testing.assert_array_equal(
    rows.reshape(3, 3, 32, 32).transpose(0, 2, 3, 1), _IMAGES
  )


class _Marker:
  def __init__(self, path):
    self.path = str(path)

  def __reduce__(self):
    return open, (self.path, 'w')


@pytest.mark.parametrize('protocol', range(5))
def test_a_hostile_pickle_is_refused_and_never_run(tmp_path, protocol):
  path, mark = tmp_path / 'data_batch_1', tmp_path / 'mark'
  hostile = {b'labels': [1], b'data': _Marker(mark)}
  path.write_bytes(pickle.dumps(hostile, protocol))
  with pytest.raises(DataFileError, match=r'holds|not a batch'):
    read_batch(path, 3072)
  assert not mark.exists()


@pytest.mark.parametrize('kept', [0, 10, 200, 5000, -1])
def test_refuses_a_truncated_batch(tmp_path, kept):
  path = tmp_path / 'data_batch_1'
  path.write_bytes(cifar_python_batch(_IMAGES, _LABELS)[:kept])
  with pytest.raises(DataFileError, match='truncated or not a batch'):
    read_batch(path, 3072)


def test_refuses_labels_that_are_fewer_than_images(tmp_path):
  path = tmp_path / 'data_batch_1'
  path.write_bytes(cifar_python_batch(_IMAGES, _LABELS[:2]))
  with pytest.raises(DataFileError, match='9216 bytes of images for 2 labels'):
    read_batch(path, 3072)
