import numpy as np
import pytest

from flsec import data
from flsec.data.errors import DataFileError


def _arrays(**changes):
  rng = np.random.default_rng(1)
  given = {
    'x_train': rng.normal(size=[6, 4]).astype(np.float32),
    'y_train': np.array([0, 1, 2, 0, 1, 2]),
    'x_test': rng.normal(size=[3, 4]).astype(np.float32),
    'y_test': np.array([0, 1, 3]),
    **changes,
  }
  return {name: one for name, one in given.items() if one is not None}


def _load(folder, given, file='features.npz', **options):
  np.savez(folder / file, **given)
  return data.load('npz', str(folder), file=file, **options)


def test_arrays_are_taken_as_they_are(tmp_path):
  given = _arrays()
  found = _load(tmp_path, given)
  np.testing.assert_array_equal(found.x_train, given['x_train'])
  np.testing.assert_array_equal(found.y_test, given['y_test'])
  assert (found.num_classes, found.scale, found.shift) == (4, 1.0, 0.0)
  assert found.writers is None and found.x_train.dtype == np.float32


def test_images_are_bytes(tmp_path):
  image = np.full([6, 8, 8, 1], 255, np.uint8)
  found = _load(tmp_path, _arrays(x_train=image, x_test=image[:3]))
  assert found.scale == 1 / 255 and found.input_shape == (8, 8, 1)
  found = _load(
    tmp_path, _arrays(x_train=image, x_test=image[:3]), scale=0.5, shift=-1.0
  )
  assert (found.scale, found.shift) == (0.5, -1.0)


def test_writers_and_one_hot_rows(tmp_path):
  owners = np.array([5, 5, 6, 6, 7, 7])
  given = _arrays(
    writers=owners,
    y_train=np.eye(5)[[0, 1, 2, 0, 1, 2]],
    y_test=np.eye(5)[[0, 1, 2]],
  )
  found = _load(tmp_path, given)
  np.testing.assert_array_equal(found.writers, owners)
  np.testing.assert_array_equal(found.y_train, [0, 1, 2, 0, 1, 2])
  assert found.num_classes == 5


def test_a_path_of_its_own_needs_no_folder(tmp_path):
  np.savez(tmp_path / 'a.npz', **_arrays())
  found = data.load('npz', '/nowhere', file=str(tmp_path / 'a.npz'))
  assert len(found.y_train) == 6


def test_a_missing_file_is_named(tmp_path):
  with pytest.raises(DataFileError, match=r'examples\.npz: is missing') as e:
    data.load('npz', str(tmp_path))
  assert 'x_train, y_train, x_test, y_test' in str(e.value)


@pytest.mark.parametrize(
  'changes, message',
  [
    ({'x_test': None}, 'but not x_train, y_train, x_test, y_test'),
    ({'y_test': np.array(['a', 'b', 'c'])}, 'empty or no numbers'),
    ({'y_test': np.zeros([0], int)}, 'empty or no numbers'),
    ({'y_train': np.array([0, 1, 2, 0, 1, -2])}, 'labels of npz run from -2'),
    ({'y_train': np.array([0, 1, 2, 0, 1, np.inf])}, 'labels'),
    ({'x_test': np.zeros([3, 5], np.float32)}, 'test examples'),
    ({'y_test': np.array([0, 1])}, '3 examples and 2 labels'),
  ],
)
def test_what_cannot_be_trained_on_is_refused(tmp_path, changes, message):
  with pytest.raises(ValueError, match=message):
    _load(tmp_path, _arrays(**changes))
