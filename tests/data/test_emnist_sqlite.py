import sqlite3

import numpy as np
import pytest
from published_files import random_images, write_emnist

from flsec.data import emnist_sqlite
from flsec.data.errors import DataFileError


def _rows(clients, labels, seed):
  return list(zip(clients, random_images(len(clients), (784,), seed), labels))


@pytest.fixture
def splits():
  # Rows of a client are not next to each other, nor in the order of names.
  return {
    'digits_only_train': _rows('bacab', [1, 2, 3, 4, 5], 0),
    'digits_only_test': _rows('ab', [6, 7], 1),
    'all_train': _rows('bd', [61, 10], 2),
    'all_test': _rows('d', [36], 3),
  }


def test_writers_come_by_name_and_their_images_as_stored(tmp_path, splits):
  path = tmp_path / 'emnist_all.sqlite'
  write_emnist(path, splits)
  train, test = emnist_sqlite.read(path, only_digits=True)
  np.testing.assert_array_equal(train.writers, [0, 0, 1, 1, 2])
  np.testing.assert_array_equal(train.y, [2, 4, 1, 5, 3])
  stored = np.stack([row[1] for row in splits['digits_only_train']])
  np.testing.assert_array_equal(
    train.x, stored[[1, 3, 0, 4, 2]].reshape(5, 28, 28, 1)
  )
  np.testing.assert_array_equal(test.y, [6, 7])
  assert (train.x.dtype, train.writers.dtype) == (np.uint8, np.int32)


def test_order_of_many_rows_is_kept(tmp_path):
  clients = list(np.random.default_rng(0).permutation(['a', 'b'] * 60))
  rows = [(str(c), np.full(784, i), i % 10) for i, c in enumerate(clients)]
  path = tmp_path / 'emnist_all.sqlite'
  write_emnist(path, {'digits_only_train': rows})
  train, _ = emnist_sqlite.read(path, only_digits=True)
  expected = [i for c in 'ab' for i, name in enumerate(clients) if name == c]
  np.testing.assert_array_equal(train.x[:, 0, 0, 0], expected)
  np.testing.assert_array_equal(train.y, np.array(expected) % 10)


def test_only_digits_chooses_the_splits(tmp_path, splits):
  path = tmp_path / 'emnist_all.sqlite'
  write_emnist(path, splits)
  train, test = emnist_sqlite.read(path, only_digits=False)
  np.testing.assert_array_equal(train.y, [61, 10])
  np.testing.assert_array_equal(test.y, [36])


def test_more_rows_than_a_chunk(tmp_path, splits, monkeypatch):
  path = tmp_path / 'emnist_all.sqlite'
  write_emnist(path, splits)
  whole, _ = emnist_sqlite.read(path, only_digits=True)
  monkeypatch.setattr(emnist_sqlite, '_CHUNK', 2)
  chunked, _ = emnist_sqlite.read(path, only_digits=True)
  np.testing.assert_array_equal(whole.x, chunked.x)
  np.testing.assert_array_equal(whole.y, chunked.y)


def test_refuses_rows_that_the_index_does_not_promise(tmp_path, splits):
  path = tmp_path / 'emnist_all.sqlite'
  write_emnist(path, splits, {('b', 'digits_only_train'): 3})
  with pytest.raises(DataFileError, match='has 2 examples, its index promises'):
    emnist_sqlite.read(path, only_digits=True)


def test_refuses_what_is_no_database(tmp_path):
  path = tmp_path / 'emnist_all.sqlite'
  path.write_bytes(b'no database' * 100)
  with pytest.raises(DataFileError, match='not the EMNIST database'):
    emnist_sqlite.read(path, only_digits=True)


def test_refuses_a_truncated_database(tmp_path, splits):
  path = tmp_path / 'emnist_all.sqlite'
  write_emnist(path, splits)
  path.write_bytes(path.read_bytes()[:9000])
  with pytest.raises(DataFileError, match='not the EMNIST database'):
    emnist_sqlite.read(path, only_digits=True)


def test_refuses_another_schema(tmp_path):
  path = tmp_path / 'emnist_all.sqlite'
  connection = sqlite3.connect(path)
  connection.execute('CREATE TABLE other (a TEXT)')
  connection.commit()
  connection.close()
  with pytest.raises(DataFileError, match='no such table: examples'):
    emnist_sqlite.read(path, only_digits=True)


def test_refuses_a_damaged_message(tmp_path, splits):
  path = tmp_path / 'emnist_all.sqlite'
  write_emnist(path, splits)
  connection = sqlite3.connect(path)
  connection.execute(
    "UPDATE examples SET serialized_example_proto = x'0a05' "
    "WHERE client_id = 'c'"
  )
  connection.commit()
  connection.close()
  with pytest.raises(DataFileError, match=r'is damaged: damaged tf.train.Ex'):
    emnist_sqlite.read(path, only_digits=True)


def test_a_missing_database_is_not_created(tmp_path):
  path = tmp_path / 'emnist_all.sqlite'
  with pytest.raises(DataFileError, match='unable to open'):
    emnist_sqlite.read(path, only_digits=True)
  assert not path.exists()
