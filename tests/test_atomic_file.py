"""A reader never sees half a file."""

import errno
import os

import pytest

from flsec import atomic_file


def test_text_and_bytes_arrive(tmp_path):
  atomic_file.write_atomically(tmp_path / 'a', 'Größe\n')
  atomic_file.write_atomically(str(tmp_path / 'b'), b'\x00\xff')
  assert (tmp_path / 'a').read_text(encoding='utf-8') == 'Größe\n'
  assert (tmp_path / 'b').read_bytes() == b'\x00\xff'
  assert sorted(os.listdir(tmp_path)) == ['a', 'b']


@pytest.mark.parametrize('call', ['fsync', 'replace'])
def test_a_failure_keeps_the_old_file(tmp_path, monkeypatch, call):
  path = tmp_path / 'a'
  atomic_file.write_atomically(path, 'old')

  def fail(*_):
    raise OSError(28, 'No space left on device')

  monkeypatch.setattr(atomic_file.os, call, fail)
  with pytest.raises(OSError, match='the disk is full'):
    atomic_file.write_atomically(path, 'new')
  assert path.read_text() == 'old'


def test_a_partial_file_of_a_killed_process_is_replaced(tmp_path):
  (tmp_path / 'a.partial').write_text('left over, and longer')
  atomic_file.write_atomically(tmp_path / 'a', 'new')
  assert os.listdir(tmp_path) == ['a']
  assert (tmp_path / 'a').read_text() == 'new'


def test_lines_are_appended_each_in_one_call(tmp_path, monkeypatch):
  calls = []
  real = os.write
  monkeypatch.setattr(
    atomic_file.os,
    'write',
    lambda fd, data: calls.append(data) or real(fd, data),
  )
  for line in ('one', 'two'):
    atomic_file.append_line(tmp_path / 'a', line)
  assert calls == [b'one\n', b'two\n']
  assert (tmp_path / 'a').read_bytes() == b'one\ntwo\n'


def test_a_line_that_was_cut_is_told_and_taken_back(tmp_path, monkeypatch):
  path = tmp_path / 'a'
  path.write_text('before\n')
  write = os.write
  monkeypatch.setattr(atomic_file.os, 'write', lambda fd, data: write(fd, b'o'))
  with pytest.raises(OSError, match='the disk is full') as caught:
    atomic_file.append_line(path, 'one')
  assert caught.value.filename == str(path)
  assert path.read_text() == 'before\n'


@pytest.mark.parametrize('number', [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_named_and_nothing_is_left(
  tmp_path, monkeypatch, number
):
  def fail(_):
    raise OSError(number, os.strerror(number))

  monkeypatch.setattr(atomic_file.os, 'fsync', fail)
  with pytest.raises(OSError, match='what was finished before is kept') as full:
    atomic_file.write_atomically(tmp_path / 'a', 'new')
  assert full.value.errno == number
  assert full.value.filename == str(tmp_path / 'a')
  assert os.listdir(tmp_path) == []


@pytest.mark.parametrize('write', ['write_atomically', 'append_line'])
def test_a_folder_that_went_away_is_named(tmp_path, write):
  path = tmp_path / 'gone' / 'a'
  with pytest.raises(FileNotFoundError, match='its folder is gone') as caught:
    getattr(atomic_file, write)(path, 'text')
  assert caught.value.filename == str(path)
  assert not path.parent.exists()


def test_other_errors_keep_their_words(tmp_path):
  with pytest.raises(IsADirectoryError, match='Is a directory') as caught:
    atomic_file.append_line(tmp_path, 'text')
  assert caught.value.filename == str(tmp_path)
