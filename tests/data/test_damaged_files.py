"""Whatever is in a data file, its reader names the file and the damage."""

import gzip
import io
import json
import pickle
import sqlite3
import tarfile
import zipfile

import numpy as np
import pytest

from flsec.data import (
  archive,
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
from flsec.data.errors import DataFileError, guarded


def refused(read, path, message=''):
  with pytest.raises(DataFileError, match=message) as caught:
    read(path)
  assert caught.value.path == str(path)
  assert '\n' not in str(caught.value)


def npz_with(path, **members):
  """Writes raw bytes as members of an .npz."""
  with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as file:
    for name, content in members.items():
      file.writestr(f'{name}.npy', content)


def npy(array, **header):
  """Returns the bytes of an .npy whose header says something else."""
  buffer = io.BytesIO()
  fields = {
    'descr': np.lib.format.dtype_to_descr(array.dtype),
    'fortran_order': False,
    'shape': array.shape,
    **header,
  }
  np.lib.format.write_array_header_1_0(buffer, fields)
  return buffer.getvalue() + array.tobytes()


class TestGuarded:
  @pytest.mark.parametrize(
    ('error', 'message'),
    [
      (RuntimeError('odd'), r'is damaged \(RuntimeError: odd\)'),
      (TypeError('a\nb'), r'is damaged \(TypeError: a\)'),
      (OverflowError(), r'is damaged \(OverflowError: \)'),
      (RecursionError('deep'), 'RecursionError'),
      (MemoryError(), 'promises more than the memory holds'),
      (PermissionError(13, 'Permission denied'), r'be read \(Permission den'),
    ],
  )
  def test_any_error_becomes_one_of_the_file(self, error, message):
    @guarded('Get it again.')
    def read(path):
      raise error

    refused(read, 'a/b', message)

  def test_a_readers_own_words_stay(self):
    @guarded('Get it again.')
    def read(path):
      raise DataFileError('c', 'is odd', 'Do.')

    with pytest.raises(DataFileError, match=r'^c: is odd. Do.$'):
      read('a')

  def test_interruptions_pass(self):
    @guarded('Get it again.')
    def read(path):
      raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
      read('a')


class TestIdx:
  def write(self, path, *sizes, content=b'', magic=b'\x00\x00\x08', rank=None):
    header = magic + bytes([len(sizes) if rank is None else rank])
    with gzip.open(path, 'wb') as file:
      file.write(header + np.array(sizes, '>u4').tobytes() + content)

  def test_a_product_of_sizes_that_wraps(self, tmp_path):
    path = tmp_path / 'x.gz'
    # 2^32 * 2^32 = 0 in 64 bits; here 65536^4 = 2^64.
    self.write(path, *[65536] * 4)
    refused(idx.read_idx, path, 'at most 4,294,967,296 are read')
    self.write(path, *[2**31] * 3, content=bytes(8))
    refused(idx.read_idx, path, 'at most')

  def test_a_rank_that_the_header_does_not_hold(self, tmp_path):
    path = tmp_path / 'x.gz'
    for rank in (5, 255):
      self.write(path, 2, rank=rank)
      refused(idx.read_idx, path, 'is not an IDX file')

  def test_a_bomb_is_not_unpacked(self, tmp_path, monkeypatch):
    path = tmp_path / 'x.gz'
    self.write(path, 10, content=bytes(10) + bytes(2**26))
    taken = []
    read = gzip.GzipFile.read
    monkeypatch.setattr(
      gzip.GzipFile,
      'read',
      lambda self, size=-1: taken.append(size) or read(self, size),
    )
    refused(idx.read_idx, path, 'promises 10 bytes')
    assert min(taken) >= 0 and max(taken) <= 2**20


class TestNpz:
  read = staticmethod(lambda path: npz.read_npz(path, ('x',)))

  def test_a_header_that_promises_too_much(self, tmp_path):
    path = tmp_path / 'x.npz'
    zeros = np.zeros(3)
    for shape, message in (
      ((10**15,), 'at most 4,294,967,296 are read'),
      ((2**40, 2**40), 'at most'),
      ((4,), 'promises 32 bytes and holds 24'),
      ((2,), 'promises 16 bytes and holds 24'),
    ):
      npz_with(path, x=npy(zeros, shape=shape))
      refused(self.read, path, message)

  @pytest.mark.parametrize(
    'content',
    [
      b'',
      b'\x93NUMPY',
      b'\x93NUMPY\x09\x00' + bytes(100),
      b'\x93NUMPY\x01\x00\xff\xff' + b'{' * 9,
      npy(np.zeros(3))[:20],
      npy(np.zeros(3), shape='abc'),
      npy(np.zeros(3), shape=(-1,)),
      npy(np.zeros(3), shape=(1.5,)),
    ],
  )
  def test_headers_that_are_none(self, tmp_path, content):
    path = tmp_path / 'x.npz'
    npz_with(path, x=content)
    refused(self.read, path)

  def test_objects_are_never_unpickled(self, tmp_path):
    path = tmp_path / 'x.npz'
    np.savez(path, x=np.array([{}], object))
    refused(self.read, path, 'cannot be read safely')

  def test_a_bomb_is_told_by_its_header(self, tmp_path, monkeypatch):
    monkeypatch.setattr(limits, 'MAX_BYTES', 2**20)
    path = tmp_path / 'x.npz'
    np.savez_compressed(path, x=np.zeros(2**20))
    assert path.stat().st_size < 2**14
    refused(self.read, path, r'x in it has 8,388,\d+ bytes; at most 1,048,576')


class TestArchive:
  def read(self, path):
    return archive.read_members(path, {'a': lambda stream: stream.read()})

  def write(self, path, *members):
    with tarfile.open(path, 'w:gz', format=tarfile.PAX_FORMAT) as file:
      for member, content in members:
        file.addfile(member, io.BytesIO(content))

  def test_members_that_are_larger_than_any_data_set(
    self, tmp_path, monkeypatch
  ):
    monkeypatch.setattr(limits, 'MAX_BYTES', 2**20)
    path = tmp_path / 'x.tgz'
    members = []
    for name in ('b', 'c', 'a'):
      member = tarfile.TarInfo(name)
      member.size = 2**19
      members.append((member, bytes(2**19)))
    self.write(path, *members)
    refused(self.read, path, "up to 'a', has 1,572,864 bytes; at most 1,048,")

  def test_a_header_that_is_larger_than_a_path(self, tmp_path):
    path = tmp_path / 'x.tgz'
    member = tarfile.TarInfo('a' * 200)
    member.pax_headers = {'comment': 'c' * 2**20}
    self.write(path, (member, b''))
    refused(self.read, path, 'a header of 1,048,')

  def test_damage_that_a_reader_trips_over(self, tmp_path):
    path = tmp_path / 'x.tgz'
    member = tarfile.TarInfo('a')
    member.size = 3
    self.write(path, (member, b'abc'))
    assert self.read(path) == {'a': b'abc'}

    def odd(stream):
      raise AttributeError('odd')

    refused(lambda path: archive.read_members(path, {'a': odd}), path, 'odd')


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
    TestIdx().write(path, 4, 5, content=bytes(20))
    read = idx.read_idx
  elif kind == 'npz':
    with open(path, 'wb') as file:
      np.savez_compressed(file, x=np.arange(40), y=np.arange(3.0))
    read = lambda path: npz.read_npz(path, ('x', 'y'))
  elif kind == 'tgz':
    member = tarfile.TarInfo('a')
    member.size = 30
    TestArchive().write(path, (member, bytes(30)))
    read = TestArchive().read
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
