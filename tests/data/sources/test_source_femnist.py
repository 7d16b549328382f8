import os

import numpy as np
import pytest
from published_files import random_images, write_emnist, write_leaf

from flsec import data
from flsec.data.errors import DataFileError
from flsec.data.sources import femnist as source

_FOLDER = os.environ.get('FLSEC_DATA_DIR', '')
_needs_real_file = pytest.mark.skipif(
  not os.path.exists(os.path.join(_FOLDER, 'emnist_all.sqlite')),
  reason='needs emnist_all.sqlite in $FLSEC_DATA_DIR',
)
_IMAGES = random_images(8, (784,))


def _splits(train_labels, test_labels):
  def rows(labels):
    return [
      ('fb' if i % 2 else 'fa', _IMAGES[i], y) for i, y in enumerate(labels)
    ]

  return {
    'digits_only_train': rows(train_labels),
    'digits_only_test': rows(test_labels),
    'all_train': rows([61, *train_labels]),
    'all_test': rows([36, *test_labels]),
  }


def test_reads_the_database(tmp_path):
  write_emnist(tmp_path / 'emnist_all.sqlite', _splits([1, 2, 3], [4, 5]))
  femnist = data.load('femnist', str(tmp_path))
  np.testing.assert_array_equal(femnist.y_train, [1, 3, 2])
  np.testing.assert_array_equal(femnist.writers, [0, 0, 1])
  assert femnist.num_classes == 10 and femnist.input_shape == (28, 28, 1)
  assert femnist.x_train.dtype == np.uint8
  letters = data.load('femnist', str(tmp_path), only_digits=False)
  assert letters.num_classes == 62 and letters.y_train.max() == 61


def test_scale_and_shift_make_ink_bright(tmp_path):
  write_emnist(tmp_path / 'emnist_all.sqlite', _splits([1, 2], [3]))
  femnist = data.load('femnist', str(tmp_path))
  inputs = np.float32(femnist.x_train[0]) * femnist.scale + femnist.shift
  expected = 1 - _IMAGES[0].reshape(28, 28, 1) / 255
  np.testing.assert_allclose(inputs, expected, atol=1e-6)


@pytest.mark.parametrize('folder', ['femnist', 'femnist/data'])
def test_reads_leaf_json(tmp_path, folder):
  users = {'fb': (_IMAGES[:2], [1, 2]), 'fa': (_IMAGES[2:3], [61])}
  write_leaf(tmp_path / folder / 'train' / 'all_data_0.json', users)
  write_leaf(
    tmp_path / folder / 'test' / 'all_data_0.json', {'fb': (_IMAGES[3:4], [3])}
  )
  digits = data.load('femnist', str(tmp_path))
  np.testing.assert_array_equal(digits.y_train, [1, 2])
  np.testing.assert_array_equal(digits.y_test, [3])
  letters = data.load('femnist', str(tmp_path), only_digits=False)
  np.testing.assert_array_equal(letters.y_train, [61, 1, 2])
  np.testing.assert_array_equal(letters.writers, [0, 1, 1])


def test_refuses_a_label_out_of_range(tmp_path):
  write_emnist(tmp_path / 'emnist_all.sqlite', _splits([1, 11], [3]))
  with pytest.raises(DataFileError, match=r'label 11 .* out of range 0 to 9'):
    data.load('femnist', str(tmp_path))


def test_refuses_a_database_without_images(tmp_path):
  write_emnist(tmp_path / 'emnist_all.sqlite', _splits([1], []))
  with pytest.raises(DataFileError, match='holds no test example'):
    data.load('femnist', str(tmp_path))


def test_says_that_writers_are_fewer_than_published(tmp_path, caplog):
  write_emnist(tmp_path / 'emnist_all.sqlite', _splits([1, 2], [3]))
  with caplog.at_level('WARNING', logger='absl'):
    data.load('femnist', str(tmp_path))
  assert '2 writers, the published data set has 3383' in caplog.text


def test_a_missing_database_is_downloaded_by_tff(tmp_path, monkeypatch):
  def fetch(origin, folder, *, file):
    assert origin == source.ORIGIN
    write_emnist(os.path.join(folder, file), _splits([1, 2], [3]))
    return os.path.join(folder, file)

  monkeypatch.setattr(source, 'fetch_emnist_with_tff', fetch)
  assert len(data.load('femnist', str(tmp_path)).y_train) == 2


@_needs_real_file
def test_the_real_database():
  femnist = data.load('femnist', _FOLDER)
  assert femnist.x_train.shape == (len(femnist.y_train), 28, 28, 1)
  assert set(np.unique(femnist.y_train)) == set(range(10))
  assert (np.diff(femnist.writers) >= 0).all()


@_needs_real_file
def test_equals_tff_on_the_real_database():
  """Client by client, in TFF's order, pixel by pixel."""
  import tensorflow_federated as tff

  femnist = data.load('femnist', _FOLDER)
  train, test = tff.simulation.datasets.emnist.load_data(
    only_digits=True, cache_dir=_FOLDER
  )
  for theirs, x, y in (
    (train, femnist.x_train, femnist.y_train),
    (test, femnist.x_test, femnist.y_test),
  ):
    start = 0
    for client in theirs.client_ids:
      batch = theirs.create_tf_dataset_for_client(client).batch(1 << 16)
      (whole,) = batch.as_numpy_iterator()
      rows = slice(start, start + len(whole['label']))
      np.testing.assert_array_equal(y[rows], whole['label'])
      np.testing.assert_allclose(
        x[rows][..., 0] / np.float32(255), whole['pixels'], atol=1e-6
      )
      if theirs is train:
        writer = train.client_ids.index(client)
        assert (femnist.writers[rows] == writer).all()
      start = rows.stop
    assert start == len(y)
