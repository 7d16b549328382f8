import os

import pytest

from flsec.data import download
from flsec.data.errors import DataFileError

_ORIGIN = 'https://example.org/files/some.npz'


def _failing(*_):
  raise Exception('URL fetch failure: Name or service not known')


def test_returns_the_downloaded_file(tmp_path, monkeypatch):
  calls = []

  def fetch(origin, folder, file_hash):
    calls.append((origin, folder, file_hash))
    return os.path.join(folder, 'some.npz')

  monkeypatch.setattr(download, '_keras', fetch)
  folder = str(tmp_path / 'new' / 'folder')
  path = download.fetch_with_keras(_ORIGIN, folder, file_hash='abc')
  assert path == os.path.join(folder, 'some.npz')
  assert calls == [(_ORIGIN, folder, 'abc')]
  assert os.path.isdir(folder)


def test_failure_names_file_address_and_folder(tmp_path, monkeypatch):
  monkeypatch.setattr(download, '_keras', _failing)
  with pytest.raises(DataFileError) as error:
    download.fetch_with_keras(_ORIGIN, str(tmp_path))
  message = str(error.value)
  assert message.startswith(str(tmp_path / 'some.npz'))
  assert f'Download {_ORIGIN}' in message
  assert f'into {tmp_path}' in message
  assert 'Name or service not known' in message and '--data_dir' in message


def test_tff_failure_leaves_no_half_database(tmp_path, monkeypatch):
  monkeypatch.setattr(download, '_tff_emnist', _failing)
  with pytest.raises(DataFileError, match='could not be downloaded'):
    download.fetch_emnist_with_tff(
      _ORIGIN, str(tmp_path), file='emnist_all.sqlite'
    )
  assert not list(tmp_path.iterdir())


def test_refuses_a_folder_that_cannot_be_made(tmp_path):
  (tmp_path / 'file').touch()
  with pytest.raises(DataFileError, match='folder cannot be made'):
    download.fetch_with_keras(_ORIGIN, str(tmp_path / 'file' / 'folder'))


def test_refuses_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
  monkeypatch.setattr(download.os, 'access', lambda *_: False)
  monkeypatch.setattr(download, '_keras', _failing)
  with pytest.raises(DataFileError, match='folder cannot be written'):
    download.fetch_with_keras(_ORIGIN, str(tmp_path))
