import os
import subprocess
import sys

import pytest
from published_files import write_emnist, write_npz

from flsec.data import locate


def test_says_which_files_are_there(tmp_path):
  write_npz(tmp_path / 'mnist.npz')
  found = locate.locate('mnist', str(tmp_path))
  assert found.is_present and not found.is_embedded
  assert found.files == (str(tmp_path / 'mnist.npz'),)
  assert found.searched[0] == str(tmp_path / 'mnist.npz')
  assert found.origin.startswith('https://')


def test_an_alternative_is_there_only_as_a_whole(tmp_path, monkeypatch):
  for name in ('train-images-idx3-ubyte.gz', 'train-labels-idx1-ubyte.gz'):
    (tmp_path / name).touch()
  assert not locate.locate('mnist', str(tmp_path)).is_present
  for name in ('t10k-images-idx3-ubyte.gz', 't10k-labels-idx1-ubyte.gz'):
    (tmp_path / name).touch()
  found = locate.locate('mnist', str(tmp_path))
  assert [os.path.basename(file)[:5] for file in found.files] == [
    'train',
    'train',
    't10k-',
    't10k-',
  ]


def test_the_data_folder_comes_before_the_keras_cache(tmp_path, monkeypatch):
  (tmp_path / 'keras' / 'datasets').mkdir(parents=True)
  cached = tmp_path / 'keras' / 'datasets' / 'mnist.npz'
  cached.touch()
  assert locate.locate('mnist', str(tmp_path)).files == (str(cached),)
  (tmp_path / 'mnist.npz').touch()
  own = str(tmp_path / 'mnist.npz')
  assert locate.locate('mnist', str(tmp_path)).files == (own,)


def test_keras_cache_is_in_the_home_folder(monkeypatch):
  monkeypatch.delenv('KERAS_HOME', raising=False)
  monkeypatch.setenv('HOME', '/home/someone')
  assert locate.keras_cache() == '/home/someone/.keras/datasets'


def test_digits_is_always_there(tmp_path):
  found = locate.locate('digits', str(tmp_path))
  assert found.is_present and found.is_embedded and not found.searched


def test_every_data_set_says_where_it_is_looked_for(tmp_path, monkeypatch):
  everything = locate.locate_all(str(tmp_path))
  assert list(everything) == [
    'cifar10',
    'digits',
    'fashion_mnist',
    'femnist',
    'location30',
    'mnist',
    'npz',
    'purchase100',
    'texas100',
  ]
  for name, found in everything.items():
    assert found.is_present == (name == 'digits')
    assert found.is_embedded or found.searched
    assert bool(found.origin) == (name not in ('digits', 'npz'))


def test_default_folder_is_that_of_the_environment(tmp_path, monkeypatch):
  monkeypatch.setenv('FLSEC_DATA_DIR', str(tmp_path))
  write_emnist(tmp_path / 'emnist_all.sqlite', {})
  assert locate.default_data_dir() == str(tmp_path)
  assert locate.locate('femnist').is_present
  monkeypatch.delenv('FLSEC_DATA_DIR')
  assert locate.default_data_dir() == 'data'


def test_names_the_closest_data_set():
  with pytest.raises(ValueError, match="did you mean 'femnist'"):
    locate.locate('femnits')


def test_locating_and_loading_import_no_tensorflow():
  code = (
    'import sys; from flsec import data; data.locate_all(); '
    "data.load('digits'); "
    "sys.exit(any(m in sys.modules for m in ('tensorflow', 'keras')))"
  )
  assert (
    subprocess.run([sys.executable, '-c', code], check=False).returncode == 0
  )
