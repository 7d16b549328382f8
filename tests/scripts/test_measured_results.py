"""docs/results.md says what its data files say, and those say who made them."""

import importlib
import re
import sys

import pytest

TABLES = ('data_sets', 'flap', 'all_rules', 'update_attacks', 'backdoors')


@pytest.fixture(scope='module')
def results(repository):
  # As `python scripts/results.py` finds the file beside it.
  folder = str(repository / 'scripts')
  sys.path.insert(0, folder)
  yield importlib.import_module('results')
  sys.path.remove(folder)
  for name in ('results', 'result_tables'):
    del sys.modules[name]


def test_every_table_is_made_of_its_data(results, repository):
  page = (repository / 'docs' / 'results.md').read_text('utf-8')
  assert re.findall(r'<!-- (\w+): by', page) == list(TABLES)
  assert results.written(page) == page


@pytest.mark.parametrize('name', TABLES)
def test_the_data_name_their_commit_and_a_command_for_each_run(
  results, repository, name
):
  head, records = results.read(name)
  assert re.fullmatch('[0-9a-f]{40}', head['commit'])
  runs = list(results.TABLES[name].runs)
  assert list(dict.fromkeys(record['run'] for record in records)) == runs
  for run, command in zip(runs, head['commands']):
    words = command.split()
    assert words[:2] == ['flsec', 'run'] and f'--set=name={run}' in words
    assert (repository / words[2]).is_file()
  for record in records:
    assert int(record['rounds']) > 0 and int(record['seed']) == 1
    assert 0 < float(record['accuracy/last']) <= 1


def test_numbers_come_back_as_they_were(results, tmp_path, monkeypatch):
  monkeypatch.setattr(results, '_DATA', tmp_path)
  head = {'commit': 'a' * 40, 'commands': ['flsec run "a b"', 'c: d']}
  record = {'threat': 'alie, scale=1.5', 'accuracy/last': '0.1', 'empty': ''}
  results._write(tmp_path / 'x.csv', head, [record, {'threat': 'no attack'}])
  assert results.read('x') == (
    head,
    [
      {'threat': 'alie, scale=1.5', 'accuracy/last': '0.1'},
      {'threat': 'no attack', 'accuracy/last': ''},
    ],
  )


def test_the_worst_case_is_each_rules_own(results):
  accuracy = {
    ('no attack', 'krum'): 0.9, ('no attack', 'mean'): 0.95,
    ('alie, scale=2', 'krum'): 0.3, ('alie, scale=2', 'mean'): 0.5,
    ('ipm', 'krum'): 0.8, ('ipm', 'mean'): 0.1004,
  }  # fmt: skip
  records = [
    {'threat': threat, 'defence': defence, 'accuracy/last': str(value)}
    for (threat, defence), value in accuracy.items()
  ]
  assert results.result_tables.attacks(records) == (
    '| attack | `mean` | `krum` |\n'
    '| --- | --- | --- |\n'
    '| no attack | 95.0 | 90.0 |\n'
    '| `alie, scale=2` | 50.0 | 30.0 |\n'
    '| `ipm` | 10.0 | 80.0 |\n'
    '| **worst case** | **10.0** | **30.0** |\n'
    '| under | ipm | alie |\n'
  )
