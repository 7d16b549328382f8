"""A run is read as it was written, whatever is missing in its folder."""

import math

import numpy as np
import pytest

from flsec.experiment.run_directory import RunDirectory
from flsec.reporting import cell as cell_lib


class TestReadCell:
  def test_everything_is_there(self, run_path, make):
    cell = cell_lib.read_cell(run_path)
    assert cell.title == 'quickstart' and cell.is_done and cell.rounds == 30
    # With what the schema did not have when the run was made.
    assert cell.config == make.config(
      attack__training=None,
      clients__augmentation=None,
      clients__moving_statistics='shared',
    )
    assert 'fingerprint made-up' in cell.config_yaml
    assert cell.labels.counts.shape == (20, 10)
    assert np.flatnonzero(cell.labels.is_malicious).tolist() == [0, 1, 2, 3]
    assert 'flsec' in cell.versions

  def test_rows_are_those_written(self, run_path, make):
    rows = cell_lib.read_cell(run_path).rows
    for row, (number, metrics) in zip(rows, make.rows()):
      assert row['round'] == number
      assert np.float32(row['test/accuracy']) == metrics['test/accuracy']

  def test_an_unfinished_run_without_labels(self, tmp_path, make):
    path = make.run(
      tmp_path, metrics=make.rows(rounds=7), done=False, labels=False
    )
    cell = cell_lib.read_cell(path)
    assert (cell.is_done, cell.rounds, cell.labels) == (False, 7, None)
    assert cell.versions == {}

  def test_a_run_that_failed_before_its_first_round(self, tmp_path, make):
    path = tmp_path / 'cell'
    text = 'name: quickstart\nrounds: 3\n'
    with (
      pytest.raises(KeyError),
      RunDirectory.open(path, text, 'made-up', True),
    ):
      raise KeyError('x')
    (path / 'metrics.jsonl').unlink(missing_ok=True)
    (tmp_path / 'other').mkdir()
    (tmp_path / 'other' / 'config.yaml').write_text('name: no run\n')
    (cell,) = cell_lib.find_cells(tmp_path)
    assert (cell.state, cell.rounds) == ('failed', 0)
    assert cell.failure == "KeyError: 'x'"

  def test_metrics_alone_suffice(self, tmp_path):
    (tmp_path / 'metrics.jsonl').write_text('{"round": 1, "test/loss": 2.5}\n')
    cell = cell_lib.read_cell(tmp_path)
    assert cell.title == tmp_path.name and cell.attacked == []
    assert cell.headline.last['test/accuracy'] is None

  def test_a_folder_without_a_run_is_refused(self, tmp_path):
    with pytest.raises(ValueError, match='holds no run: there is no metrics'):
      cell_lib.read_cell(tmp_path)


class TestHeadline:
  def test_values(self, tmp_path, make):
    rows = [
      (1, {'test/accuracy': 0.9, 'time/round_seconds': 5.0}),
      (
        2,
        {
          'test/accuracy': 0.8,
          'attack/error_rate': 0.1,
          'time/round_seconds': 1.0,
        },
      ),
      (3, {'attack/error_rate': 0.5, 'time/round_seconds': 1.0}),
      (
        4,
        {
          'attack/error_rate': 0.25,
          'attack/success_rate': 0.75,
          'test/accuracy': 0.7,
          'pruning/dense/units': 2,
          'time/round_seconds': 2.0,
        },
      ),
    ]
    settings = make.config(attack__start_round=3)
    cell = cell_lib.read_cell(make.run(tmp_path, settings, rows))
    assert cell.headline == cell_lib.Headline(
      last={
        'test/accuracy': 0.7,
        'attack/error_rate': 0.25,
        'attack/success_rate': 0.75,
        'attack/clean_error_rate': None,
      },
      attacked_mean={
        'test/accuracy': 0.7,
        'attack/error_rate': 0.375,
        'attack/success_rate': 0.75,
        'attack/clean_error_rate': None,
      },
      before={
        'test/accuracy': 0.8,
        'attack/error_rate': 0.1,
        'attack/success_rate': None,
        'attack/clean_error_rate': None,
      },
      best_accuracy=0.9,
      attacked_rounds=2,
      rounds_above_f=0,
      pruned_units={'dense': 2},
      seconds_per_round=1.5,
      seconds=9.0,
    )

  def test_the_end_of_an_unfinished_run_is_its_last_test(self, make):
    rows = [
      {'round': 1, 'test/accuracy': 0.9, 'attack/success_rate': 0.2},
      {'round': 2, 'test/accuracy': 0.6, 'attack/success_rate': math.nan},
      {'round': 3, 'update_norm/aggregate': 1.0},
    ]
    found = cell_lib.Cell(None, make.config(), '', rows, False).headline
    assert found.last['test/accuracy'] == 0.6
    assert found.last['attack/success_rate'] is None

  @pytest.mark.parametrize(
    ('attack', 'expected'),
    [
      (None, []),
      ({'name': 'ipm'}, [1, 2, 3, 4, 5, 6]),
      ({'name': 'ipm', 'start_round': 3, 'stop_round': 4}, [3, 4]),
      ({'name': 'ipm', 'start_round': 2, 'every': 3}, [2, 5]),
    ],
  )
  def test_attacked_rounds(self, tmp_path, make, attack, expected):
    settings = make.config(attack=attack)
    metrics = make.rows(rounds=6, start=None)
    cell = cell_lib.read_cell(make.run(tmp_path, settings, metrics))
    assert [row['round'] for row in cell.attacked] == expected


class TestSeries:
  def test_rounds_without_the_metric_are_left_out(self, tmp_path, make):
    metrics = make.rows(rounds=6, evaluate_every=2)
    cell = cell_lib.read_cell(make.run(tmp_path, metrics=metrics))
    rounds, values = cell.series('test/accuracy')
    assert rounds == [2, 4, 6] and len(values) == 3
    assert cell.series('no/such') == ([], [])

  def test_the_steps_of_a_phase_are_no_rounds(self, tmp_path, make):
    step = {'phase': 'prune', 'test/accuracy': 1.0}
    steps = [
      (6, {**step, 'phase/step': 1, 'phase/point': 1}),
      (6, {**step, 'phase/step': 2, 'test/accuracy': 0.5}),
    ]
    metrics = [*make.rows(rounds=6), *steps]
    cell = cell_lib.read_cell(make.run(tmp_path, metrics=metrics))
    assert cell.series('test/accuracy')[0] == [1, 2, 3, 4, 5, 6]
    # A candidate's accuracy is nobody's best.
    assert cell.headline.best_accuracy < 1.0

  def test_names_by_prefix(self, run_path):
    cell = cell_lib.read_cell(run_path)
    assert cell.names('update_norm/') == [
      'update_norm/benign_mean',
      'update_norm/malicious_mean',
    ]


class TestFindCells:
  def test_in_natural_order(self, tmp_path, make):
    for name in ('f=10', 'f=9', 'f=0.5'):
      make.run(tmp_path / name, metrics=make.rows(rounds=1), labels=False)
    found = cell_lib.find_cells(tmp_path)
    assert [cell.path.name for cell in found] == ['f=0.5', 'f=9', 'f=10']

  def test_none(self, tmp_path):
    with pytest.raises(ValueError, match='Run an experiment first'):
      cell_lib.find_cells(tmp_path)

  def test_mixed_numbers_and_words_can_be_sorted(self):
    names = ['10', 'a', '9', '', 'a2', 'a10']
    assert sorted(names, key=cell_lib.natural_key) == [
      '', '9', '10', 'a', 'a2', 'a10',
    ]  # fmt: skip
