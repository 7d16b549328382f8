"""A plug-in's text is a part of what an experiment is."""

import hashlib

import pytest

from flsec import registry
from flsec.config import dump, loading, plugin_identity

_SOURCE = """
from flsec import registry
@registry.model('mine')
def mine(*, input_shape, num_classes): ...
@registry.aggregator('rule_of_mine')
def rule_of_mine(): ...
"""
_OTHER = "from flsec import registry\n@registry.attack('other')\ndef o(): ...\n"


@pytest.fixture
def load(tmp_path, monkeypatch):
  """`load(model='mine') -> Experiment`, with two plug-ins beside the YAML."""
  monkeypatch.setattr(registry, '_plugins', [])
  (tmp_path / 'mine.py').write_text(_SOURCE)
  (tmp_path / 'other.py').write_text(_OTHER)
  path = tmp_path / 'x.yaml'

  def loaded(model='mlp', rule='mean'):
    path.write_text(
      'name: x\nrounds: 1\ndataset: {name: digits}\n'
      f'model: {model}\nserver: {{aggregator: {rule}}}\n'
      'clients: {num_clients: 4, optimizer: {learning_rate: 0.1}}\n'
      'plugins: [mine.py, other.py]\n'
    )
    return loading.load(str(path))

  return loaded


def test_an_edit_makes_another_experiment(load, tmp_path):
  before = load('mine')
  first = dump.fingerprint(before)
  assert dump.fingerprint(load('mine')) == first
  (tmp_path / 'mine.py').write_text(_SOURCE + '# an edit\n')
  assert dump.fingerprint(load('mine')) != first
  (tmp_path / 'mine.py').write_text(_SOURCE)
  assert dump.fingerprint(load('mine')) == first


def test_a_part_of_a_part_counts_as_well(load, tmp_path):
  rule = '{name: mean_statistics, rule: rule_of_mine}'
  first = dump.fingerprint(load(rule=rule))
  (tmp_path / 'mine.py').write_text(_SOURCE + '# an edit\n')
  assert dump.fingerprint(load(rule=rule)) != first


def test_plugins_that_nothing_is_taken_from_do_not_count(load, tmp_path):
  first, used = dump.fingerprint(load()), dump.fingerprint(load('mine'))
  (tmp_path / 'other.py').write_text(_OTHER + '# an edit\n')
  assert dump.fingerprint(load()) == first
  assert dump.fingerprint(load('mine')) == used


def test_where_the_file_lies_does_not_count(load, tmp_path):
  first = dump.fingerprint(load('mine'))
  folder = tmp_path / 'elsewhere'
  folder.mkdir()
  for name in ('mine.py', 'other.py', 'x.yaml'):
    (tmp_path / name).rename(folder / name)
  registry._plugins.clear()
  assert dump.fingerprint(loading.load(str(folder / 'x.yaml'))) == first


def test_the_written_experiment_says_so_and_loads_back(load, tmp_path):
  experiment = load('mine')
  text = dump.to_yaml(experiment)
  # 64 hexadecimal digits.
  assert text.startswith('# plug-in mine.py, sha256 ')
  assert len(text.split('\n')[0].split()[-1]) == 64
  assert 'other.py, sha256' not in text
  assert not dump.to_yaml(load()).startswith('#')
  path = tmp_path / 'again.yaml'
  path.write_text(text)
  assert loading.load(str(path)) == experiment


def test_digests_are_those_of_the_bytes(load, tmp_path):
  (tmp_path / 'mine.py').write_text(_SOURCE)
  found = plugin_identity.digests(dump.to_dict(load('mine')))
  assert found == {'mine.py': hashlib.sha256(_SOURCE.encode()).hexdigest()}
