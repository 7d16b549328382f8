"""Whatever is in a data file, its reader names the file and the damage."""

import gzip
import io
import tarfile
import zipfile

import numpy as np
import pytest
from damage import read_archive, refused, write_archive, write_idx

from flsec.data import (
  archive,
  idx,
  limits,
  npz,
)
from flsec.data.errors import DataFileError, guarded


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
  def test_a_product_of_sizes_that_wraps(self, tmp_path):
    path = tmp_path / 'x.gz'
    # 2^32 * 2^32 = 0 in 64 bits; here 65536^4 = 2^64.
    write_idx(path, *[65536] * 4)
    refused(idx.read_idx, path, 'at most 4,294,967,296 are read')
    write_idx(path, *[2**31] * 3, content=bytes(8))
    refused(idx.read_idx, path, 'at most')

  def test_a_rank_that_the_header_does_not_hold(self, tmp_path):
    path = tmp_path / 'x.gz'
    for rank in (5, 255):
      write_idx(path, 2, rank=rank)
      refused(idx.read_idx, path, 'is not an IDX file')

  def test_a_bomb_is_not_unpacked(self, tmp_path, monkeypatch):
    path = tmp_path / 'x.gz'
    write_idx(path, 10, content=bytes(10) + bytes(2**26))
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
    write_archive(path, *members)
    refused(
      read_archive, path, "up to 'a', has 1,572,864 bytes; at most 1,048,"
    )

  def test_a_header_that_is_larger_than_a_path(self, tmp_path):
    path = tmp_path / 'x.tgz'
    member = tarfile.TarInfo('a' * 200)
    member.pax_headers = {'comment': 'c' * 2**20}
    write_archive(path, (member, b''))
    refused(read_archive, path, 'a header of 1,048,')

  def test_damage_that_a_reader_trips_over(self, tmp_path):
    path = tmp_path / 'x.tgz'
    member = tarfile.TarInfo('a')
    member.size = 3
    write_archive(path, (member, b'abc'))
    assert read_archive(path) == {'a': b'abc'}

    def odd(stream):
      raise AttributeError('odd')

    refused(lambda path: archive.read_members(path, {'a': odd}), path, 'odd')
