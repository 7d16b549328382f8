"""Tests of whole runs as one program: the numbers of a run, and refusals."""

import json

import numpy as np
import pytest
import whole_run

from flsec.config import dump
from flsec.config.errors import ConfigError
from flsec.experiment import (
  checkpoint,
  exported_rows,
  loop,
  metric_rows,
  run_export,
)

CASES = {
  'backdoor': {'attack': whole_run.BACKDOOR},
  'labels': {
    'attack': {'name': 'label_complement', 'num_byzantine': 2},
    'server': {'aggregator': 'trimmed_mean', 'learning_rate': 0.5},
  },
}


def _close(found, expected, bound):
  return abs(found - expected) <= bound * max(1.0, abs(expected))


@pytest.mark.slow
@pytest.mark.parametrize('case', CASES)
def test_numbers_are_those_of_a_run(case, tmp_path):
  experiment = whole_run.load(**CASES[case])
  run = run_export.build_run(experiment, str(tmp_path))
  results, state = whole_run.results_of(experiment, run)
  results.update(
    device=np.array('CPU'), fingerprint=np.array(dump.fingerprint(experiment))
  )
  path = tmp_path / 'results.npz'
  np.savez(path, **results)
  summary = exported_rows.write_run(
    experiment, path, directory=tmp_path / 'exported', data_dir=str(tmp_path)
  )
  with pytest.raises(ValueError, match='holds this run already'):
    exported_rows.write_run(
      experiment, path, directory=tmp_path / 'exported', data_dir=str(tmp_path)
    )
  own = loop.run_cell(
    experiment, directory=tmp_path / 'own', data_dir=str(tmp_path)
  )
  # Sums of at most 785 products, each rounded by 2^-24: 5e-5 of a step in a
  # round, 2e-4 in four. A batch or a row of another client moves it by its
  # whole length.
  leaves = checkpoint.read(tmp_path / 'own' / 'checkpoints')
  weights = leaves['state', 'weights']
  moved = np.abs(weights - run.assembled.plan.initial_weights).max()
  apart = np.abs(state['weights'].numpy() - weights).max()
  assert apart <= 1e-3 * moved
  rows, expected = (
    metric_rows.read_rows(tmp_path / name / 'metrics.jsonl')
    for name in ('exported', 'own')
  )
  assert [row['round'] for row in rows] == [1, 2, 3, 4]
  for row, own_row in zip(rows, expected):
    named = {n for n in own_row if not n.startswith('time/')}
    assert set(row) == named if 'test/accuracy' in row else set(row) < named
    for name, value in row.items():
      assert _close(value, own_row[name], 1e-3), name
      if isinstance(value, int):
        assert value == own_row[name], name
  assert summary['critical_round'] == own['critical_round']
  assert summary['data'] == own['data']
  assert summary['device'] == 'CPU'


@pytest.mark.parametrize(
  ('changes', 'path'),
  [
    (('rounds=5',), 'rounds'),
    (
      ('clients.num_selected=3', 'clients.selection=uniform'),
      'clients.num_selected',
    ),
    (('pruning.name=flap',), 'pruning'),
    (('evaluation.escape=true',), 'evaluation.escape'),
    (
      ('evaluation.batch_statistics=true',),
      'evaluation.batch_statistics',
    ),
    (('server.aggregator=mean',), 'server.aggregator'),
    (('dataset.num_train=121',), 'dataset.partition'),  # 20 and 21 of them.
  ],
)
def test_what_no_program_can_do_is_refused(changes, path, tmp_path):
  with pytest.raises(ConfigError) as found:
    run_export.build_run(whole_run.load(*changes), str(tmp_path))
  message = str(found.value)
  assert message.startswith(f'{path}: a run that is exported whole wants')


def test_slots_that_live_on_are_refused(tmp_path):
  experiment = whole_run.load(
    'clients.optimizer.name=adam', 'clients.optimizer.persistent=true'
  )
  with pytest.raises(ConfigError, match=r'optimizer\.persistent'):
    run_export.check(experiment)


def test_files_name_what_the_program_takes_and_returns(tmp_path):
  experiment = whole_run.load()
  files = run_export.export_run(
    experiment, directory=tmp_path / 'cell', data_dir=str(tmp_path)
  )
  assert all(path.exists() for path in files)
  manifest = json.loads((tmp_path / 'cell' / 'run.json').read_text())
  assert manifest['rounds'] == 4 and manifest['rounds_of_call'] == 2
  arguments = manifest['arguments']
  run = run_export.build_run(experiment, str(tmp_path))
  for name, value in (
    ('clients/x', run.clients['x']),
    ('state/weights', run.state['weights']),
    ('test/y', run.test['y']),
  ):
    with np.load(tmp_path / 'data' / arguments[name]) as file:
      np.testing.assert_array_equal(file['arr_0'], value)
  states = [name for name in arguments if name.startswith('state/')]
  assert manifest['results'][: len(states)] == states
  assert 'counted/right' in manifest['results']


def test_results_of_another_experiment_are_refused(tmp_path):
  path = tmp_path / 'results.npz'
  np.savez(path, fingerprint='other')
  with pytest.raises(ValueError, match='another experiment'):
    exported_rows.write_run(
      whole_run.load(), path, directory=tmp_path / 'run', data_dir='data'
    )
  with pytest.raises(ValueError, match='no results of a program'):
    exported_rows.write_run(
      whole_run.load(),
      tmp_path / 'none.npz',
      directory=tmp_path / 'run',
      data_dir='data',
    )
  assert not (tmp_path / 'run').exists()


def test_a_round_that_lost_a_row_is_refused(tmp_path):
  experiment = whole_run.load('rounds=2')
  run = run_export.build_run(experiment, str(tmp_path))
  results = {'metrics/num_dropped': np.array([0, 1])}
  results['metrics/update_norm'] = np.zeros(2)
  rows = exported_rows.rows_of(experiment, run, results)
  with pytest.raises(ValueError, match='Round 2 has 1 updates with NaN'):
    list(rows)
