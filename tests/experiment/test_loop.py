"""The round loop: what it writes, and that stopping changes nothing."""

import json
import shutil

import numpy as np
import pytest
from small_runs import rows as _rows
from small_runs import run as _run

from flsec.experiment import (
  checkpoint,
  run_directory,
)


def _untimed(rows):
  # As text: a number that is none is the same as itself.
  return [
    repr({name: value for name, value in row.items() if 'time/' not in name})
    for row in rows
  ]


def _numbers(summary):
  """Returns a summary without times, of the run and of its stages."""
  if not isinstance(summary, dict):
    return summary
  return {k: _numbers(v) for k, v in summary.items() if 'seconds' not in k}


def _final_state(path):
  with np.load(path / 'checkpoints' / 'round_000004.npz') as archive:
    return {name: archive[name] for name in archive.files}


@pytest.fixture(scope='module')
def finished(tmp_path_factory):
  path = tmp_path_factory.mktemp('loop') / 'cell'
  return path, _run(path)


class TestEditedFolder:
  """What was cut off or edited by hand is told, or made again."""

  @pytest.fixture
  def cell(self, finished, tmp_path):
    """An unfinished copy, with the checkpoints of rounds 3 and 4."""
    path = tmp_path / 'cell'
    shutil.copytree(finished[0], path)
    (path / 'DONE').unlink()
    return path

  def lines(self, cell):
    return (cell / 'metrics.jsonl').read_text().splitlines(keepends=True)

  def test_rows_that_end_before_the_last_checkpoint(self, cell, finished):
    lines = self.lines(cell)
    (cell / 'metrics.jsonl').write_text(''.join(lines[:3]))
    _run(cell)
    assert _untimed(_rows(cell)) == _untimed(_rows(finished[0]))
    for name, array in _final_state(finished[0]).items():
      np.testing.assert_array_equal(_final_state(cell)[name], array)

  @pytest.mark.parametrize('missing', [0, 1, 2])
  def test_a_row_that_is_missing_in_the_middle(self, cell, missing):
    lines = self.lines(cell)
    del lines[missing]
    (cell / 'metrics.jsonl').write_text(''.join(lines))
    with pytest.raises(
      checkpoint.CheckpointError,
      match=f'rows of metrics.jsonl are whole up to round {missing} only',
    ):
      _run(cell)
    assert self.lines(cell) == lines

  def test_a_configuration_that_was_edited_below_its_first_line(self, cell):
    config = cell / 'config.yaml'
    config.write_text(
      config.read_text().replace('batch_size: 8', 'batch_size: 9')
    )
    with pytest.raises(
      run_directory.RunDirectoryError, match=r'config.yaml was edited after'
    ):
      _run(cell)


class TestRun:
  def test_leaves_everything(self, finished):
    path, summary = finished
    names = {entry.name for entry in path.iterdir()}
    assert {
      'config.yaml',
      'metrics.csv',
      'metrics.jsonl',
      'labels.npz',
      'checkpoints',
      'summary.json',
      'DONE',
    } <= names
    assert any(name.startswith('events.out') for name in names)
    assert json.loads((path / 'summary.json').read_text()) == summary

  def test_a_row_a_round(self, finished):
    rows = _rows(finished[0])
    assert [row['round'] for row in rows] == [1, 2, 3, 4]
    assert [row['attack/active'] for row in rows] == [0, 1, 1, 1]
    assert [row['pruning/dense1/units'] for row in rows] == [1, 0, 1, 0]
    for row in rows:
      assert 0 <= row['test/accuracy'] <= 1
      assert row['clients/participating'] == 6
      assert row['clients/malicious'] == 1
      assert row['attack/victims'] > 0

  def test_times_add_up(self, finished):
    for row in _rows(finished[0]):
      parts = sum(
        row[f'time/{stage}_seconds']
        for stage in (
          'local_training',
          'stacking',
          'server',
          'attack',
          'rule',
          'pruning',
          'evaluation',
        )
      )
      assert parts <= row['time/round_seconds'] * 1.01

  def test_how_heterogeneous_clients_are_is_written(self, finished):
    text = (finished[0] / 'summary.json').read_text()
    found = json.loads(text)['heterogeneity']
    with np.load(finished[0] / 'labels.npz') as labels:
      counts = labels['counts'].astype(float)
    shares = counts / counts.sum(axis=1, keepdims=True)
    whole = counts.sum(axis=0) / counts.sum()
    distance = np.abs(shares - whole).sum(axis=1).mean() / 2
    assert found['label_distance'] == pytest.approx(distance)
    assert 0 < found['intra_label_cosine'] < 1

  def test_who_holds_what_is_written(self, finished):
    with np.load(finished[0] / 'labels.npz') as labels:
      assert labels['counts'].sum() == 90
      assert list(np.flatnonzero(labels['is_malicious'])) == [0]


class TestResume:
  @pytest.mark.parametrize('threads', [1, 2])
  def test_a_run_that_was_stopped_gives_the_same(
    self, finished, tmp_path, monkeypatch, threads
  ):
    path = tmp_path / 'cell'
    save = checkpoint.save

    def stop_after(directory, round_number, state):
      save(directory, round_number, state)
      if round_number == 2:
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, 'save', stop_after)
    with pytest.raises(KeyboardInterrupt):
      _run(path)
    assert len(_rows(path)) == 2 and not (path / 'DONE').exists()
    monkeypatch.undo()
    summary = _run(path, f'runtime.threads={threads}')
    assert _untimed(_rows(path)) == _untimed(_rows(finished[0]))
    for name, value in _final_state(finished[0]).items():
      np.testing.assert_array_equal(_final_state(path)[name], value, name)
    assert repr(_numbers(summary)) == repr(_numbers(finished[1]))

  def test_the_last_round_alone_is_left(self, finished, tmp_path, monkeypatch):
    """Killed between the last checkpoint and DONE."""
    path = tmp_path / 'cell'

    def fail(self, result):
      raise KeyboardInterrupt

    monkeypatch.setattr(run_directory.RunDirectory, 'finish', fail)
    with pytest.raises(KeyboardInterrupt):
      _run(path)
    monkeypatch.undo()
    before = (path / 'metrics.jsonl').read_bytes()
    _run(path)
    assert (path / 'DONE').exists()
    assert (path / 'metrics.jsonl').read_bytes() == before

  def test_an_unfinished_run_is_refused_without_it(self, tmp_path, monkeypatch):
    path = tmp_path / 'cell'

    def fail(directory, round_number, state):
      raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, 'save', fail)
    with pytest.raises(KeyboardInterrupt):
      _run(path)
    with pytest.raises(run_directory.RunDirectoryError, match='unfinished'):
      _run(path, resume=False)


class TestEvaluation:
  def test_on_its_schedule_and_in_the_last_round(self, tmp_path):
    _run(tmp_path / 'cell', 'evaluation.every=3', 'pruning=null')
    tested = [
      row['round'] for row in _rows(tmp_path / 'cell') if 'test/loss' in row
    ]
    assert tested == [3, 4]


def test_another_configuration_is_refused(finished):
  with pytest.raises(ValueError, match='another configuration'):
    _run(finished[0], 'rounds=5')


def test_training_helps(tmp_path):
  _run(
    tmp_path / 'cell',
    'attack=null',
    'pruning=null',
    'rounds=8',
    'clients.epochs=5',
    'dataset.num_train=900',
    'server.aggregator=mean',
  )
  rows = _rows(tmp_path / 'cell')
  assert rows[-1]['test/accuracy'] > 0.5 > rows[0]['test/accuracy']
  assert rows[-1]['train/loss'] < rows[0]['train/loss']
