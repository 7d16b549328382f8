import hashlib
import os
import pickle

import numpy as np
import pytest
from published_files import (
  cifar_python_batch,
  cifar_record_bytes,
  random_images,
  write_tgz,
)

from flsec import data
from flsec.data.errors import DataFileError
from flsec.data.sources import cifar10 as source

_FOLDER = os.environ.get('FLSEC_DATA_DIR', '')
_NAMES = [f'data_batch_{i}' for i in range(1, 6)] + ['test_batch']
_IMAGES = random_images(12, (32, 32, 3))
_LABELS = [i % 10 for i in range(12)]


def _batches(encode):
  return {
    name: encode(_IMAGES[2 * i : 2 * i + 2], _LABELS[2 * i : 2 * i + 2])
    for i, name in enumerate(_NAMES)
  }


def _write(folder, batches, suffix=''):
  folder.mkdir(parents=True)
  for name, content in batches.items():
    (folder / f'{name}{suffix}').write_bytes(content)


def _assert_whole(cifar10):
  np.testing.assert_array_equal(cifar10.x_train, _IMAGES[:10])
  np.testing.assert_array_equal(cifar10.y_train, _LABELS[:10])
  np.testing.assert_array_equal(cifar10.x_test, _IMAGES[10:])
  assert cifar10.input_shape == (32, 32, 3) and cifar10.num_classes == 10
  assert cifar10.x_train.dtype == np.uint8 and cifar10.y_train.dtype == np.int32


def test_reads_binary_batches(tmp_path):
  batches = _batches(cifar_record_bytes)
  _write(tmp_path / 'cifar-10-batches-bin', batches, '.bin')
  _assert_whole(data.load('cifar10', str(tmp_path)))


def test_fewer_batches_are_read_and_said(tmp_path, caplog):
  batches = _batches(cifar_record_bytes)
  kept = {name: batches[name] for name in ('data_batch_1', 'test_batch')}
  _write(tmp_path / 'cifar-10-batches-bin', kept, '.bin')
  with caplog.at_level('WARNING', logger='absl'):
    cifar10 = data.load('cifar10', str(tmp_path))
  np.testing.assert_array_equal(cifar10.x_train, _IMAGES[:2])
  assert '2 training images, the published data set has 50000' in caplog.text


def _archive(tmp_path):
  members = {
    f'cifar-10-batches-bin/{name}.bin': content
    for name, content in _batches(cifar_record_bytes).items()
  }
  return write_tgz(tmp_path / 'cifar-10-binary.tar.gz', members)


def test_reads_the_archive_without_unpacking(tmp_path):
  _archive(tmp_path)
  _assert_whole(data.load('cifar10', str(tmp_path), verify_checksum=False))
  assert [p.name for p in tmp_path.iterdir()] == ['cifar-10-binary.tar.gz']


def test_refuses_an_archive_of_another_md5(tmp_path):
  _archive(tmp_path)
  with pytest.raises(DataFileError, match='its MD5 is'):
    data.load('cifar10', str(tmp_path))


@pytest.mark.parametrize('folder', ['', 'keras/datasets'])
def test_reads_python_batches_without_unpickling(tmp_path, monkeypatch, folder):
  batches = _batches(cifar_python_batch)
  _write(tmp_path / folder / 'cifar-10-batches-py', batches)
  monkeypatch.setattr(pickle, 'load', None)
  monkeypatch.setattr(pickle, 'loads', None)
  _assert_whole(data.load('cifar10', str(tmp_path), verify_checksum=False))
  published = {
    name: hashlib.md5(content).hexdigest() for name, content in batches.items()
  }
  monkeypatch.setattr(source, '_PYTHON_MD5', published)
  _assert_whole(data.load('cifar10', str(tmp_path)))


def test_refuses_a_python_batch_of_another_md5(tmp_path):
  _write(tmp_path / 'cifar-10-batches-py', _batches(cifar_python_batch))
  with pytest.raises(DataFileError, match='data_batch_1: its MD5 is'):
    data.load('cifar10', str(tmp_path))


def test_refuses_a_pickle_where_a_binary_batch_should_be(tmp_path):
  batches = _batches(cifar_record_bytes)
  batches['data_batch_3'] = _batches(cifar_python_batch)['data_batch_3']
  _write(tmp_path / 'cifar-10-batches-bin', batches, '.bin')
  with pytest.raises(DataFileError, match=r'data_batch_3.bin: is a Pyth'):
    data.load('cifar10', str(tmp_path))


def test_refuses_a_label_out_of_range(tmp_path):
  batches = _batches(cifar_record_bytes)
  batches['test_batch'] = b'\x0a' + batches['test_batch'][1:]
  _write(tmp_path / 'cifar-10-batches-bin', batches, '.bin')
  with pytest.raises(DataFileError, match='label 10 of example 0'):
    data.load('cifar10', str(tmp_path))


def test_a_missing_archive_is_downloaded(tmp_path, monkeypatch):
  def fetch(origin, folder, *, file_hash):
    assert (origin, file_hash) == (source.ORIGIN, source._ARCHIVE_MD5)
    return str(_archive(tmp_path))

  monkeypatch.setattr(source, 'fetch_with_keras', fetch)
  _assert_whole(data.load('cifar10', str(tmp_path), verify_checksum=False))


@pytest.mark.skipif(
  not os.path.exists(os.path.join(_FOLDER, 'cifar-10-batches-bin')),
  reason='needs cifar-10-batches-bin in $FLSEC_DATA_DIR',
)
def test_the_real_batches():
  cifar10 = data.load('cifar10', _FOLDER)
  for y in (cifar10.y_train, cifar10.y_test):
    assert len(set(np.bincount(y, minlength=10))) == 1  # As many of each.
  # Photographs: neighbouring pixels are alike, in every channel.
  x = cifar10.x_train[:500].astype(float)
  assert np.abs(np.diff(x, axis=1)).mean() < 0.5 * x.std()
