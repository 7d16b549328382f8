import dataclasses
import json

import pytest
from made_up_papers import run, write

from flsec.catalogue import results
from flsec.config import dump, loading
from flsec.experiment import checkout


@pytest.fixture
def paper(tmp_path):
  return write(tmp_path / 'experiments')


@pytest.fixture
def cells(paper):
  file = str(paper.entries['table1'].runs[0].file)
  return loading.load_cells(file, sweeps=['seed=[1, 2]'])


def _collect(entry, cells, root):
  return results.collect(entry, entry.runs[0], 'full', cells, root)


def test_numbers_of_finished_runs_in_the_printed_unit(paper, cells, tmp_path):
  run(cells, tmp_path)
  found = _collect(paper.entries['table1'], cells, tmp_path)
  values = {
    (*one.keys.values(), one.measure, one.seed): one.value for one in found
  }
  # Accuracy in per cent; L against the clean mean of the same seed.
  assert values == {
    key: pytest.approx(value)
    for key, value in {
      ('mean', 'none', 'accuracy', 1): 95,
      ('mean', 'none', 'accuracy', 2): 96,
      ('mean', 'flip', 'accuracy', 1): 85,
      ('mean', 'flip', 'accuracy', 2): 86,
      ('median', 'none', 'accuracy', 1): 94,
      ('median', 'none', 'accuracy', 2): 95,
      ('median', 'flip', 'accuracy', 1): 92,
      ('median', 'flip', 'accuracy', 2): 93,
      ('mean', 'flip', 'loss', 1): 10,
      ('mean', 'flip', 'loss', 2): 10,
    }.items()
  }


def test_there_is_no_loss_without_a_clean_run(paper, cells, tmp_path):
  attacked = [cell for cell in cells if cell.labels['attack'] == 'flip']
  run(attacked, tmp_path)
  found = _collect(paper.entries['table1'], cells, tmp_path)
  assert {one.measure for one in found} == {'accuracy'}


def test_every_number_names_its_run(paper, cells, tmp_path):
  run(cells[:1], tmp_path)
  (one,) = _collect(paper.entries['table1'], cells, tmp_path)
  assert one.run == 'mine/rule=mean,attack=none,seed=1'
  assert one.fingerprint == dump.fingerprint(cells[0].experiment)
  assert (one.rounds, one.size) == (30, 'full')


def test_every_number_names_the_commits_of_its_run(
  paper, cells, tmp_path, monkeypatch
):
  monkeypatch.setattr(checkout, 'commit', lambda: 'a1')
  run(cells[:1], tmp_path)
  (one,) = _collect(paper.entries['table1'], cells, tmp_path)
  assert one.commit == 'a1'
  # Begun by one commit, and finished by another.
  path = tmp_path / cells[0].name / 'summary.json'
  summary = json.loads(path.read_text())
  summary['versions']['commit'] = 'b2'
  path.write_text(json.dumps(summary))
  (one,) = _collect(paper.entries['table1'], cells, tmp_path)
  assert one.commit == 'a1..b2'
  # A run from before commits were noted.
  del summary['versions']['commit']
  path.write_text(json.dumps(summary))
  (one,) = _collect(paper.entries['table1'], cells, tmp_path)
  assert one.commit == ''


def test_a_run_with_other_settings_is_refused(paper, cells, tmp_path):
  entry = paper.entries['table1']
  others = loading.load_cells(
    str(entry.runs[0].file), ['clients.epochs=2'], sweeps=['seed=[1]']
  )
  run(others, tmp_path)
  (tmp_path / others[0].name).rename(tmp_path / cells[0].name)
  with pytest.raises(ValueError, match='other settings than the table has now'):
    _collect(entry, cells, tmp_path)


def test_a_picture_has_a_number_for_each_cell(paper, cells, tmp_path):
  run(cells, tmp_path)
  found = _collect(paper.entries['figure1'], cells, tmp_path)
  assert len(found) == len(cells)
  assert list(found[0].keys.items()) == [('attack', 'none'), ('rule', 'mean')]


class TestFile:
  def _result(self, rule, seed, value):
    return results.Result(
      {'rule': rule}, 'accuracy', 'small', seed, value, 3, 'mine/x', 'f', '1.0'
    )

  def test_what_is_recorded_is_read_back(self, tmp_path):
    path = tmp_path / 'results' / 'table1.csv'
    assert results.read(path) == []
    first = [self._result('mean', 1, 0.5), self._result('krum', 1, None)]
    results.record(path, first)
    assert results.read(path) == first

  def test_the_same_cell_and_seed_are_replaced(self, tmp_path):
    path = tmp_path / 'results' / 'table1.csv'
    results.record(path, [self._result('mean', s, 0.5) for s in (1, 2)])
    results.record(path, [self._result('mean', 2, 0.75)])
    assert [one.value for one in results.read(path)] == [0.5, 0.75]

  def test_a_file_without_commits_is_read_and_its_rows_kept(self, tmp_path):
    path = tmp_path / 'results' / 'table1.csv'
    path.parent.mkdir()
    path.write_text(
      'rule,measure,size,seed,value,rounds,run,fingerprint,version\n'
      'mean,accuracy,small,1,0.5,3,mine/x,f,1.0\n'
    )
    (old,) = results.read(path)
    assert old == self._result('mean', 1, 0.5) and old.commit == ''
    new = dataclasses.replace(self._result('mean', 2, 0.75), commit='a1')
    results.record(path, [new])
    assert results.read(path) == [old, new]
    assert path.read_text().splitlines()[1:] == [
      'mean,accuracy,small,1,0.5,3,mine/x,f,1.0,',
      'mean,accuracy,small,2,0.75,3,mine/x,f,1.0,a1',
    ]

  def test_nothing_leaves_no_file(self, tmp_path):
    results.record(tmp_path / 'results' / 'x.csv', [])
    assert not (tmp_path / 'results').exists()

  def test_other_columns_are_refused(self, tmp_path):
    (tmp_path / 'x.csv').write_text('rule,measure,value\n')
    with pytest.raises(ValueError, match='expected columns that end in'):
      results.read(tmp_path / 'x.csv')


def test_what_is_printed_may_be_one_minus_what_is_measured():
  from flsec.catalogue.measures import Measure
  from flsec.catalogue.printed import PrintedValue

  row = PrintedValue({}, 'test_error', 28.96, None, '%', 'Table 3', '')
  measure = Measure(('final', 'test/accuracy'), 100.0, True)
  summary = {'final': {'test/accuracy': 0.75}}
  assert results._value(measure, row, summary) == 0.25
  assert (
    results._value(measure, row, {'final': {'test/accuracy': None}}) is None
  )


def test_phases_are_found_by_their_names(paper, tmp_path):
  from flsec.catalogue.measures import Measure
  from flsec.catalogue.printed import PrintedValue

  row = PrintedValue({'phase': 'prune'}, 'a', 1.0, None, '%', 'Table 1', '')
  measure = Measure(('phases', '{phase}', 'accuracy'))
  summary = {'phases': [{'name': 'train'}, {'name': 'prune', 'accuracy': 0.5}]}
  assert measure.keys == ['phase']
  assert results._value(measure, row, summary) == 0.5
  with pytest.raises(KeyError):
    results._value(measure, row, {'phases': []})
