"""Experiments that come with flsec, by name."""

import pathlib

import pytest

from flsec.config import loading, shipped
from flsec.config.errors import ConfigError

_ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def test_names_are_the_files_of_the_checkout():
  files = (_ROOT / 'experiments').rglob('*.yaml')
  assert {_ROOT / 'experiments' / f'{n}.yaml' for n in shipped.names()} == {
    file for file in files if file.name != 'catalogue.yaml'
  }


@pytest.mark.parametrize('name', ['quickstart', 'flap/lenet5_mnist'])
def test_a_name_is_loaded_from_anywhere(name, monkeypatch, tmp_path):
  monkeypatch.chdir(tmp_path)
  expected = loading.load_cells(str(_ROOT / 'experiments' / f'{name}.yaml'))
  assert loading.load_cells(name) == expected


def test_a_file_of_that_name_is_meant(monkeypatch, tmp_path):
  monkeypatch.chdir(tmp_path)
  (tmp_path / 'quickstart').write_text('rounds: [')
  assert shipped.path_of('quickstart') == 'quickstart'


@pytest.mark.parametrize('name', ['nothing', '../experiments/quickstart'])
def test_others_stay_as_they_are(name, monkeypatch, tmp_path):
  monkeypatch.chdir(tmp_path)
  assert shipped.path_of(name) == name
  with pytest.raises(ConfigError, match='cannot be read'):
    loading.load_cells(name)
