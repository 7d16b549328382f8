"""Files that a run reads are noted, and told again from changed ones."""

import hashlib
import json
import os

import numpy as np
import pytest

from flsec.data import provenance
from flsec.data.dataset import Federation, Split


def federation(**changes):
  x = np.arange(12, dtype=np.float32).reshape(6, 2)
  fields = {
    'x': x[:4],
    'y': np.array([0, 1, 0, 1], np.int32),
    'offsets': np.array([0, 2, 4]),
    'test': Split(x[4:], np.array([0, 1], np.int32)),
    'num_classes': 2,
    'scale': 1.0,
    'shift': 0.0,
  }
  return Federation(**{**fields, **changes})


def record(files=(), **changes):
  return provenance.Inputs(map(str, files), federation(**changes)).record()


class TestRecord:
  def test_names_size_time_and_sha256(self, tmp_path):
    path = tmp_path / 'x.bin'
    path.write_bytes(b'abc')
    found = record([path])
    assert found['files'] == [
      {
        'path': str(path),
        'bytes': 3,
        'modified': path.stat().st_mtime_ns,
        # The digest of 'abc' in FIPS 180-2, appendix B.1.
        'sha256': 'ba7816bf8f01cfea414140de5dae2223'
        'b00361a396177a9cb410ff61f20015ad',
      }
    ]
    assert json.loads(json.dumps(found)) == found

  @pytest.mark.parametrize(
    'changes',
    [
      {'x': np.zeros([4, 2], np.float32)},
      {'x': np.arange(8, dtype=np.float32).reshape(4, 2)[::-1]},
      {'x': np.arange(8, dtype=np.float32).reshape(4, 1, 2)},
      {'y': np.array([0, 1, 1, 0], np.int32)},
      {'offsets': np.array([0, 1, 4])},
      {'scale': 0.5},
      {'num_classes': 3},
      {'root': Split(np.ones([1, 2], np.float32), np.ones(1, np.int32))},
    ],
  )
  def test_the_checksum_covers_all_that_numbers_depend_on(self, changes):
    assert record()['crc32'] == record()['crc32']
    assert record(**changes)['crc32'] != record()['crc32']

  def test_many_files_are_counted(self, tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, '_MOST_LISTED', 2)
    for name in 'abc':
      (tmp_path / name).write_text('four')
    found = record(tmp_path / name for name in 'abc')
    assert found['files'] == []
    assert found['not_listed'] == {'files': 3, 'bytes': 12}


class TestChanges:
  @pytest.fixture
  def path(self, tmp_path):
    path = tmp_path / 'x.csv'
    path.write_text('1,2\n')
    return path

  def test_an_untouched_file_is_not_even_read(self, path, monkeypatch):
    old = record([path])
    monkeypatch.setattr(provenance, '_sha256', lambda path: 'not asked for')
    assert provenance.changed_files(old) == []

  def test_a_copy_with_another_time_is_the_same(self, path):
    old = record([path])
    os.utime(path, ns=(0, 0))
    assert provenance.changed_files(old) == []

  def test_another_size_and_other_bytes_are_said(self, path):
    old = record([path])
    path.write_text('1,22\n')
    assert provenance.changed_files(old) == [f'{path} had 4 bytes and has 5']
    path.write_text('1,3\n')
    os.utime(path, ns=(0, 0))
    assert provenance.changed_files(old) == [
      f'{path} has another checksum (SHA-256) than it had'
    ]

  def test_a_file_that_is_gone_changes_nothing(self, path):
    old = record([path])
    path.unlink()
    assert provenance.changed_files(old) == []

  def test_of_examples(self, path):
    other = {'scale': 0.5}
    old = record([path])
    assert provenance.difference(old, record([path])) is None
    assert provenance.difference(old, record()) is None
    assert provenance.difference(old, record([path], **other)) == (
      'the same files gave other examples; draws in the code of a data set '
      'need a seed'
    )
    assert (
      provenance.difference(old, record(**other)) == 'other files were read'
    )
    path.write_text('none')
    os.utime(path, ns=(0, 0))
    assert 'another checksum' in provenance.difference(old, record(**other))


def test_sha256_of_more_than_a_block(tmp_path):
  path = tmp_path / 'big'
  content = os.urandom(3 * 2**20 + 17)
  path.write_bytes(content)
  assert provenance.File.of(str(path)).sha256 == (
    hashlib.sha256(content).hexdigest()
  )
