"""Files that are read are noted, whoever reads them."""

import gzip
import os
import pathlib
import sqlite3
import threading

import numpy as np
import pytest

from flsec import data
from flsec.data import opened_files


class TestRecording:
  @pytest.mark.parametrize(
    'read',
    [
      lambda path: open(path, 'rb').close(),
      lambda path: path.read_text(),
      lambda path: os.close(os.open(path, os.O_RDONLY)),
      lambda path: np.loadtxt(path),
      lambda path: np.fromfile(path),
      lambda path: os.close(os.open(os.fsencode(path), os.O_RDONLY)),
      lambda path: sqlite3.connect(path).close(),
    ],
  )
  def test_notes_who_is_read_however(self, tmp_path, read):
    path = tmp_path / 'some.csv'
    path.write_text('1 2\n')
    with opened_files.recording() as files:
      read(path)
    assert files == {str(path)}

  def test_other_formats_and_threads(self, tmp_path):
    path, packed = tmp_path / 'a.npz', tmp_path / 'b.gz'
    np.savez(path, x=np.zeros(3))
    packed.write_bytes(gzip.compress(b'1'))

    def read():
      np.load(path)['x']
      with gzip.open(packed) as file:
        file.read()

    with opened_files.recording() as files:
      thread = threading.Thread(target=read)
      thread.start()
      thread.join()
    assert files == {str(path), str(packed)}

  def test_relative_paths_become_absolute(self, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pathlib.Path('x.csv').touch()
    with opened_files.recording() as files:
      open('x.csv').close()
    assert files == {str(tmp_path / 'x.csv')}

  def test_what_is_written_is_no_input(self, tmp_path):
    with opened_files.recording() as files:
      (tmp_path / 'new').write_text('1')
      open(tmp_path / 'new', 'a').close()
    assert files == set()

  def test_code_packages_and_the_system_are_left_out(self, tmp_path):
    source = tmp_path / 'mine.py'
    source.touch()
    with opened_files.recording() as files:
      source.read_text()
      pathlib.Path(np.__file__).read_text()
      pathlib.Path('/proc/self/stat').read_text()
      data.load('digits')
    assert files == set()

  def test_nothing_is_noted_before_and_after(self, tmp_path):
    path = tmp_path / 'x'
    path.touch()
    path.read_text()
    with opened_files.recording() as files:
      pass
    path.read_text()
    assert files == set()

  def test_an_error_ends_it(self, tmp_path):
    with pytest.raises(KeyError), opened_files.recording():
      raise KeyError
    assert opened_files._open == []
