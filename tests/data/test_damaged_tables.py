"""Damage in files of labels and rows is named by their readers."""

import io
import json
import pickle
import sqlite3
import tarfile

import numpy as np
import pytest
from damage import read_archive, refused, write_archive, write_idx

from flsec.data import (
  binary_text,
  cifar_binary,
  emnist_sqlite,
  idx,
  leaf_json,
  limits,
  npz,
  pickle_stream,
  tabular,
  verify,
)
from flsec.data.errors import DataFileError


class TestBinaryText:
  @pytest.mark.parametrize(
    'label', [b'1.7', b'nan', b'inf', b'-inf', b'""', b'1e400', b'0x1', b'\xff']
  )
  def test_labels_that_are_none(self, label):
    stream = io.BytesIO(b'1,0,1\n' + label + b',0,1\n')
    with pytest.raises(DataFileError, match='line 2 has the label'):
      binary_text.read_labelled_rows('p', stream, 2)

  def test_labels_may_be_written_as_floats(self):
    stream = io.BytesIO(b'"1.0",0,1\n2,1,1\n')
    assert binary_text.read_labelled_rows('p', stream, 2)[1].tolist() == [1, 2]

  def test_a_line_without_end_is_not_read_whole(self):
    class Endless(io.RawIOBase):
      taken = 0

      def readable(self):
        return True

      def readinto(self, buffer):
        self.taken += len(buffer)
        assert self.taken < 2**20
        buffer[:] = b'0' * len(buffer)
        return len(buffer)

    stream = io.BufferedReader(Endless())
    with pytest.raises(ValueError, match='line 1 has more than 260 bytes'):
      binary_text.read_rows('p', stream, 2)


class TestTabular:
  @pytest.mark.parametrize(
    ('x', 'y'),
    [
      (np.zeros([2, 3]), np.array(3)),
      (np.array(3.0), np.zeros(2)),
      (np.zeros([2, 3]), np.array(['a', 'b'])),
      (np.zeros([2, 3]), np.array([np.inf, 1])),
      (np.zeros([2, 3]), np.array([np.nan, 1])),
      (np.zeros([2, 3]), np.array([0, 0.5])),
      (np.zeros([2, 3]), np.zeros([2, 2, 2])),
      (np.zeros([2, 3]), np.array([b'\x00', b'\x01'])),
      (np.array([['0', '1', '0']] * 2), np.array([0, 1])),
      (np.zeros([2, 3]), np.array([0, 1], 'M8[s]')),
    ],
  )
  def test_arrays_that_are_no_table(self, tmp_path, x, y):
    path = tmp_path / 'x.npz'
    np.savez(path, x=x, y=y)
    refused(lambda path: tabular.read_npz(path, 3, 2), path)


def test_images_and_labels_without_dimensions():
  images = np.zeros([2, 28, 28], np.uint8)
  for x, y in ((np.uint8(3), np.zeros(2)), (images, np.array(3))):
    with pytest.raises(DataFileError, match='expected uint8 images'):
      verify.check_images('p', np.asarray(x), y, (28, 28))
  for y in (np.array(3), np.array(['a']), np.array([np.inf])):
    with pytest.raises(DataFileError, match='whole-number labels'):
      verify.check_labels('p', y, 10)
  with pytest.raises(DataFileError):
    verify.check_fingerprint('p', 'all', images, np.array(['a', 'b']), 'x')


class TestLeaf:
  def write(self, folder, **changes):
    user = {'x': [[0.0] * 784] * 2, 'y': [1, 2]}
    user.update(changes.pop('user', {}))
    content = {
      'users': ['f1'],
      'num_samples': [2],
      'user_data': {'f1': user},
      **changes,
    }
    (folder / 'a.json').write_text(json.dumps(content))

  @pytest.mark.parametrize(
    ('changes', 'message'),
    [
      ({'user': {'y': [1, 1.7]}}, 'its labels are 1.7, no whole numbers'),
      ({'user': {'y': [1, 1.0]}}, 'its labels are 1.0, no whole'),
      ({'user': {'y': ['1', 2]}}, "its labels are '1', no whole"),
      ({'user': {'y': [True, False]}}, 'its labels are True'),
      ({'user': {'y': [None, 1]}}, 'its labels are None'),
      ({'user': {'y': [10**30, 1]}}, 'its labels are too large'),
      ({'user': {'y': [[1], [2]]}}, 'its labels are'),
      ({'user': {'y': 3}}, 'f1 has no valid'),
      ({'user': {'y': {'a': 1}}}, 'f1 has no valid'),
      ({'user': {'x': [['0.5'] * 784] * 2}}, 'its pixels are <U3'),
      ({'user': {'x': [[0.0] * 784, [0.0]]}}, ''),
      ({'user': {'x': 'text'}}, 'its pixels are'),
      ({'users': ['f1', 'f1'], 'num_samples': [2, 2]}, 'lists a user twice'),
      ({'users': [['f1']]}, ''),
      ({'users': 3}, ''),
      ({'num_samples': {'f1': 2}}, ''),
      ({'user_data': [1]}, ''),
      ({'user_data': {'f1': [1]}}, 'f1 has no valid'),
    ],
  )
  def test_json_of_another_shape(self, tmp_path, changes, message):
    self.write(tmp_path, **changes)
    with pytest.raises(DataFileError, match=message) as caught:
      leaf_json.read_folder(tmp_path, only_digits=True)
    assert caught.value.path == str(tmp_path / 'a.json')

  @pytest.mark.parametrize(
    'text', ['', '[]', '3', '[' * 100_000, '{"users": NaN}', '\udcff']
  )
  def test_text_that_is_no_leaf(self, tmp_path, text):
    raw = text.encode('utf-8', 'surrogateescape')
    (tmp_path / 'a.json').write_bytes(raw)
    with pytest.raises(DataFileError):
      leaf_json.read_folder(tmp_path, only_digits=True)


class TestSqlite:
  def write(self, path, *statements):
    connection = sqlite3.connect(path)
    for sql in (
      'CREATE TABLE examples (split_name, client_id, serialized_example_proto)',
      'CREATE TABLE client_metadata (split_name, client_id, num_examples)',
      *statements,
    ):
      connection.execute(sql)
    connection.commit()
    connection.close()

  @pytest.mark.parametrize(
    ('statements', 'message'),
    [
      (
        ["INSERT INTO examples VALUES ('all_train', NULL, x'00')"],
        'client_id of all_train is no text',
      ),
      (
        ["INSERT INTO examples VALUES ('all_train', x'6131', x'00')"],
        'client_id of all_train is no text',
      ),
      (
        ["INSERT INTO examples VALUES ('all_train', 'a', NULL)"],
        'example of all_train is no message',
      ),
      (
        ["INSERT INTO examples VALUES ('all_train', 'a', 3)"],
        'example of all_train is no message',
      ),
      (
        ["INSERT INTO client_metadata VALUES ('all_train', NULL, 3)"],
        'index of all_train is no text',
      ),
      (
        ["INSERT INTO client_metadata VALUES ('all_train', 'a', x'00')"],
        'has 0 examples, its index promises',
      ),
      (
        [
          'DROP TABLE examples',
          'CREATE VIEW examples AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL '
          "SELECT n + 1 FROM c) SELECT 'all_train' AS split_name, n AS "
          'client_id, n AS serialized_example_proto FROM c',
        ],
        'examples is no plain table',
      ),
    ],
  )
  def test_rows_and_tables_that_are_none(self, tmp_path, statements, message):
    path = tmp_path / 'emnist_all.sqlite'
    self.write(path, *statements)
    read = lambda path: emnist_sqlite.read(path, only_digits=False)
    refused(read, path, message)


class TestCifar:
  @pytest.mark.parametrize('labels', [[10**30], [2**63], ['a'], [1.5], []])
  def test_pickled_numbers_that_are_no_labels(self, tmp_path, labels):
    path = tmp_path / 'data_batch_1'
    data = np.zeros([1, 12], np.uint8)
    content = {b'data': data, b'labels': labels}
    path.write_bytes(pickle.dumps(content, protocol=2))
    refused(lambda path: pickle_stream.read_batch(path, 12), path)

  def test_files_larger_than_any_data_set(self, tmp_path, monkeypatch):
    monkeypatch.setattr(limits, 'MAX_BYTES', 100)
    path = tmp_path / 'x.bin'
    path.write_bytes(bytes(200))
    refused(cifar_binary.read_batch, path, 'it has 200 bytes; at most 100')
    refused(lambda path: pickle_stream.read_batch(path, 12), path, 'at most')

  def test_a_file_that_is_not_there(self, tmp_path):
    refused(
      cifar_binary.read_batch, tmp_path / 'x', r'cannot be read \(No such'
    )
    refused(cifar_binary.read_batch, tmp_path, r'cannot be read \(Is a dir')


@pytest.mark.parametrize('kind', ['idx', 'npz', 'tgz', 'pickle', 'sqlite'])
def test_no_cut_and_no_flipped_byte_raises_anything_else(tmp_path, kind):
  path = tmp_path / 'file'
  generator = np.random.default_rng(0)
  if kind == 'idx':
    write_idx(path, 4, 5, content=bytes(20))
    read = idx.read_idx
  elif kind == 'npz':
    with open(path, 'wb') as file:
      np.savez_compressed(file, x=np.arange(40), y=np.arange(3.0))
    read = lambda path: npz.read_npz(path, ('x', 'y'))
  elif kind == 'tgz':
    member = tarfile.TarInfo('a')
    member.size = 30
    write_archive(path, (member, bytes(30)))
    read = read_archive
  elif kind == 'pickle':
    content = {b'data': np.zeros([2, 12], np.uint8), b'labels': [1, 2]}
    path.write_bytes(pickle.dumps(content, protocol=2))
    read = lambda path: pickle_stream.read_batch(path, 12)
  else:
    TestSqlite().write(path)
    read = lambda path: emnist_sqlite.read(path, only_digits=False)
  whole = path.read_bytes()
  read(path) if kind != 'sqlite' else None
  for _ in range(150):
    damaged = bytearray(whole)
    for place in generator.integers(len(whole), size=generator.integers(1, 4)):
      damaged[place] = generator.integers(256)
    if generator.random() < 0.3:
      damaged = damaged[: generator.integers(len(whole))]
    path.write_bytes(damaged)
    try:
      read(path)
    except DataFileError as error:
      assert error.path == str(path)
