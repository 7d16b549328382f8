"""Runs of several phases: what they write, and what stopping changes."""

import json

import numpy as np
import phased_cell
import pytest
from small_runs import untimed as _untimed

from flsec.defenses import channels, stop_rules
from flsec.experiment import assembly
from flsec.experiment.metric_writer import MetricWriter


def _outcome(path):
  """Everything that a run leaves, times aside, as text and arrays."""
  summary = json.loads((path / 'summary.json').read_text())
  with np.load(path / 'votes_1.npz') as votes:
    arrays = {name: votes[name] for name in votes.files}
  return (
    # As text: a number that is none is the same as itself.
    repr(_untimed(phased_cell.rows(path))),
    repr(_untimed(summary)),
    {**arrays, **phased_cell.final_state(path)},
  )


def _assert_same(path, other):
  found, expected = _outcome(path), _outcome(other)
  assert found[0] == expected[0]
  assert found[1] == expected[1]
  assert found[2].keys() == expected[2].keys()
  for name, value in expected[2].items():
    np.testing.assert_array_equal(found[2][name], value, name)


@pytest.fixture(scope='module')
def finished(tmp_path_factory):
  path = tmp_path_factory.mktemp('phases') / 'cell'
  return path, phased_cell.run(path)


class TestRows:
  def test_phases_follow_one_another(self, finished):
    rows = phased_cell.rows(finished[0])
    names = [row['phase'] for row in rows]
    assert list(dict.fromkeys(names)) == phased_cell.PHASES
    assert names == sorted(names, key=phased_cell.PHASES.index)
    for phase in phased_cell.PHASES:
      steps = [row['phase/step'] for row in phased_cell.of(rows, phase)]
      assert steps == list(range(1, len(steps) + 1))

  def test_one_counter_of_rounds_goes_on(self, finished):
    rows = phased_cell.rows(finished[0])
    assert [row['round'] for row in phased_cell.of(rows, 'train')] == [1, 2]
    assert {row['round'] for row in phased_cell.of(rows, 'prune')} == {2}
    tuned = [row['round'] for row in phased_cell.of(rows, 'fine_tune')]
    assert tuned[:-1] == list(range(3, 3 + len(tuned) - 1))
    assert tuned[-1] == tuned[-2]  # The row that says which one is kept.
    assert {row['round'] for row in phased_cell.of(rows, 'adjust')} == {
      tuned[-1]
    }

  def test_a_row_a_candidate(self, finished):
    rows = phased_cell.of(phased_cell.rows(finished[0]), 'prune')
    assert [row['phase/point'] for row in rows[:-1]] == [0, 1, 2, 3, 4]
    assert [row['phase/removed'] for row in rows[:-1]] == [0, 1, 2, 3, 4]
    for row in rows[:-1]:
      assert 0 <= row['phase/score'] <= 1 and row['phase/score_loss'] > 0
      assert 0 <= row['test/accuracy'] <= 1
      assert 0 <= row['attack/success_rate'] <= 1
      assert 'attack/active' not in row
    trained = phased_cell.of(phased_cell.rows(finished[0]), 'train')[-1]
    assert phased_cell.is_near(rows[0]['test/loss'], trained['test/loss'])
    deltas = [
      row['phase/delta']
      for row in phased_cell.of(phased_cell.rows(finished[0]), 'adjust')[:-1]
    ]
    assert deltas == [np.inf, 2.5, 2.0, 1.5, 1.0][: len(deltas)]

  def test_the_last_row_of_a_search_is_that_of_the_kept_candidate(
    self, finished
  ):
    for phase in ('prune', 'adjust'):
      *steps, last = phased_cell.of(phased_cell.rows(finished[0]), phase)
      kept = [s for s in steps if s['phase/removed'] == last['phase/removed']]
      assert any(
        phased_cell.is_near(s['test/loss'], last['test/loss']) for s in kept
      )
      assert 'phase/point' not in last

  def test_who_reported_what(self, finished):
    with np.load(finished[0] / 'votes_1.npz') as votes:
      assert votes['layer'] == 'conv2' and votes['kind'] == 'ranks'
      assert votes['reports'].shape == (4, 5)
      np.testing.assert_array_equal(
        np.sort(votes['reports'], axis=1), np.tile([1, 2, 3, 4, 5], (4, 1))
      )
      np.testing.assert_array_equal(votes['client_id'], np.arange(4))
      assert votes['is_malicious'].tolist() == [True, False, False, False]
      last = phased_cell.of(phased_cell.rows(finished[0]), 'prune')[-1]
      assert len(votes['removed_channels']) == last['phase/removed']


def test_two_phases_of_a_name_follow_one_another(tmp_path):
  path = tmp_path / 'cell'
  one = '{name: prune, num_channels: 1, layer: %s}'
  phases = f'[train, {one % "conv2"}, {one % "conv1"}]'
  result = phased_cell.run(path, 'rounds=1', f'phases={phases}')
  steps = [(row['phase'], row['phase/step']) for row in phased_cell.rows(path)]
  assert steps == [('train', 1), ('prune', 1), ('prune', 1)]
  assert [line['name'] for line in result['phases']] == [
    'train', 'prune', 'prune',
  ]  # fmt: skip
  assert result['pruned_units'] == {'conv2': 1, 'conv1': 1}


class TestResult:
  def test_the_summary_has_a_line_a_phase(self, finished):
    lines = finished[1]['phases']
    assert [line['name'] for line in lines] == phased_cell.PHASES
    for line in lines:
      last = phased_cell.of(phased_cell.rows(finished[0]), line['name'])[-1]
      assert line['accuracy'] == last['test/accuracy']
      assert line['success_rate'] == last['attack/success_rate']
    assert [line['rounds'] for line in lines][:2] == [2, 0]
    assert lines[1]['removed'] == finished[1]['pruned_units']['conv2']

  def test_removed_channels_are_zero_to_the_end(self, finished):
    self._assert_zero(finished[0], phased_cell.load())

  @pytest.mark.slow
  @pytest.mark.parametrize('normalization', ['batch', 'group'])
  def test_normalised_channels_are_too(self, tmp_path, normalization):
    """A normalised channel would speak with its beta alone."""
    filters = '[4, 8]' if normalization == 'group' else '[3, 5]'
    changes = (
      f'model.normalization={normalization}',
      f'model.filters={filters}',
    )
    phased_cell.run(tmp_path / 'cell', *changes)
    rows = phased_cell.of(phased_cell.rows(tmp_path / 'cell'), 'fine_tune')
    assert any(row.get('attack/active') for row in rows)
    self._assert_zero(tmp_path / 'cell', phased_cell.load(*changes))

  def _assert_zero(self, path, experiment):
    layout = assembly.assemble(experiment, '').plan.model.layout
    state = phased_cell.final_state(path)
    weights, removed = (
      next(
        v for v in state.values() if v.shape == (layout.size,) and v.dtype == t
      )
      for t in (np.float32, bool)
    )
    with np.load(path / 'votes_1.npz') as votes:
      gone = votes['removed_channels']
    own = channels.entries(layout, layout['conv2'])
    assert removed.sum() == sum(len(own[channel]) for channel in gone) > 0
    assert not weights[removed].any() and weights.any()


def _stop(monkeypatch, rows, *, written):
  """Stops a run at its row of a number, before or after it is written."""
  write_row = MetricWriter.write_row

  def stopping(self, round_number, metrics):
    if len(self.rows) + 1 == rows and not written:
      raise KeyboardInterrupt
    write_row(self, round_number, metrics)
    if len(self.rows) == rows and written:
      raise KeyboardInterrupt

  monkeypatch.setattr(MetricWriter, 'write_row', stopping)


def test_a_run_that_is_stopped_in_every_phase_gives_the_same(
  finished, tmp_path, monkeypatch
):
  names = [row['phase'] for row in phased_cell.rows(finished[0])]
  path = tmp_path / 'cell'
  stops = []
  for phase in phased_cell.PHASES:
    first, last = names.index(phase) + 1, len(names) - names[::-1].index(phase)
    # In the middle, and between the phase's last row and its checkpoint.
    stops += [(first, False), (first + 1, True), (last, True)]
  for number, (rows, written) in enumerate(stops):
    with monkeypatch.context() as patch:
      _stop(patch, rows, written=written)
      with pytest.raises(KeyboardInterrupt):
        phased_cell.run(path, f'runtime.threads={1 + number % 2}')
    assert not (path / 'DONE').exists()
  phased_cell.run(path)
  _assert_same(path, finished[0])


def test_steps_of_a_search_are_not_made_again(finished, tmp_path, monkeypatch):
  names = [row['phase'] for row in phased_cell.rows(finished[0])]
  path = tmp_path / 'cell'
  with monkeypatch.context() as patch:
    _stop(patch, names.index('prune') + 3, written=True)
    with pytest.raises(KeyboardInterrupt):
      phased_cell.run(path)
  before = (path / 'metrics.jsonl').read_bytes()
  phased_cell.run(path)
  assert (path / 'metrics.jsonl').read_bytes().startswith(before)


def test_a_decision_that_changes_its_mind_is_caught(
  finished, tmp_path, monkeypatch
):
  path = tmp_path / 'cell'
  names = [row['phase'] for row in phased_cell.rows(finished[0])]
  with monkeypatch.context() as patch:
    _stop(patch, names.index('prune') + 3, written=True)
    with pytest.raises(KeyboardInterrupt):
      phased_cell.run(path)
  monkeypatch.setattr(
    stop_rules, 'search', lambda rule, score, last: score(last) and 0
  )
  with pytest.raises(ValueError, match='prune asked for point 0 before it was'):
    phased_cell.run(path)
