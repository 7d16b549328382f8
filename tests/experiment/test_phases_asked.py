"""Runs whose clients are asked, and runs that are refused."""

import numpy as np
import phased_cell
import pytest

from flsec.config.errors import ConfigError
from flsec.defenses import votes
from flsec.experiment import assembly, preflight
from flsec.federated import reports


class TestFeedback:
  def test_clients_test_where_the_server_cannot(self, tmp_path):
    path = tmp_path / 'cell'
    summary = phased_cell.run(
      path,
      'dataset.validation=null',
      'attack.compose=[]',
      'phases=[train, {name: prune, feedback: true, max_drop: 0.05}, '
      '{name: fine_tune, feedback: true, max_rounds: 2}, '
      '{name: adjust, feedback: true, largest: 2.0, step: 0.5}]',
    )
    rows = phased_cell.rows(path)
    steps = [row for row in rows if 'phase/point' in row]
    assert {row['phase'] for row in steps} == {'prune', 'adjust'}
    for row in steps:
      assert 0 <= row['phase/score'] <= 1
      assert 'phase/score_loss' not in row
    assert [line['name'] for line in summary['phases']] == phased_cell.PHASES

  def test_the_score_is_that_of_all_clients(self, tmp_path):
    """Of equal clients the mean is the accuracy on all their examples."""
    changes = ('dataset.validation=null', 'attack=null')
    phased_cell.run(tmp_path / 'trained', *changes, 'phases=[train]')
    assert 'phase' not in phased_cell.rows(tmp_path / 'trained')[0]
    path = tmp_path / 'pruned'
    phased_cell.run(
      path, *changes, 'phases=[train, {name: prune, feedback: true}]'
    )
    assembled = assembly.assemble(phased_cell.load(*changes), '')
    model, data = assembled.plan.model, assembled.federation
    assert len(set(np.diff(data.offsets))) == 1
    weights = next(
      value
      for value in phased_cell.final_state(tmp_path / 'trained').values()
      if value.shape == (model.num_weights,)
    )
    logits = model.logits(weights, model.inputs(data.x))
    expected = np.mean(np.argmax(logits, axis=1) == data.y)
    first = phased_cell.of(phased_cell.rows(path), 'prune')[0]
    assert first['phase/score'] == pytest.approx(expected, abs=1e-6)


class TestRefusals:
  @pytest.mark.parametrize(
    ('changes', 'message'),
    [
      (('phases=[train, fine_tune]',), 'phases.1: .*removes anything'),
      (('phases=[prune]',), 'phases.0: prune changes a trained model'),
      (('phases=[]',), 'phases: at least one phase'),
      (('dataset.validation=null',), r'phases.1: .*dataset\.validation'),
      (('phases.1.share=2',), r'phases.1: prune needs 0 < share < 1'),
      (('phases.1.vote=most',), 'phases.1: .*vote of prune'),
    ],
  )
  def test_before_data_are_read(self, changes, message):
    with pytest.raises(ConfigError, match=message):
      preflight.check_components(phased_cell.load(*changes))

  @pytest.mark.parametrize(
    ('changes', 'message'),
    [
      (('model={name: mlp}',), 'phases.1: prune changes the last conv layer'),
      (('phases.1.num_channels=5',), 'phases.1: .*of the 5 channels'),
      (('phases.3.layer=conv9',), "phases.3: .*no conv or dense layer 'conv9'"),
      (('phases.1.layer=logits',), "phases.1: .*'logits' is the output layer"),
    ],
  )
  def test_before_training(self, changes, message, tmp_path):
    path = tmp_path / 'cell'
    with pytest.raises(ValueError, match=message):
      phased_cell.run(path, *changes)
    assert not (path / 'metrics.jsonl').exists()

  def test_reports_that_are_none_end_the_run(self, tmp_path, monkeypatch):
    monkeypatch.setitem(reports._VALID, 'ranks', votes.are_bits)
    with pytest.raises(ValueError, match='None of the 4 reports of clients'):
      phased_cell.run(tmp_path / 'cell')
