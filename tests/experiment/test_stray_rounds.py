"""Rounds that go astray stop a run in one line; clients without data do not."""

import pytest
from small_runs import rows as _rows
from small_runs import run as _run

from flsec.experiment import (
  round_checks,
)


class TestRoundsThatGoAstray:
  """Five of six clients send noise beyond float32 from round 2 on."""

  _NOISE = (
    'attack={name: gaussian_noise, scale: 1.0e+39, num_byzantine: 5, '
    'start_round: 2}'
  )
  _KRUM = 'server.aggregator={name: krum, num_byzantine: 1}'

  def test_too_few_clients_stop_it_in_one_line(self, tmp_path):
    path = tmp_path / 'cell'
    for _ in range(2):  # The state before the round stays, to go on from.
      with pytest.raises(round_checks.RoundError) as error:
        _run(path, self._NOISE, self._KRUM, 'pruning=null')
      assert (
        'got 1 of 6 in round 2 (NaN or infinity from clients 0, 1, 2, 3, 4)'
      ) in str(error.value)
      assert [row['round'] for row in _rows(path)] == [1]
      assert [p.name for p in (path / 'checkpoints').glob('*.npz')] == [
        'round_000001.npz'
      ]
      assert not (path / 'DONE').exists()

  def test_a_streamed_mean_stops_as_well(self, tmp_path):
    rate = 'clients.optimizer={learning_rate: 1.0e+38}'
    with pytest.raises(
      round_checks.RoundError,
      match=r'mean needs at least 1 clients; got 0 of 6 in round 1 \(NaN or',
    ):
      _run(
        tmp_path / 'cell',
        rate,
        'clients.epochs=3',
        'attack=null',
        'pruning=null',
        'server.aggregator=mean',
      )
    assert not _rows(tmp_path / 'cell')

  def test_finite_noise_that_spoils_the_weights_stops_it_too(self, tmp_path):
    path = tmp_path / 'cell'
    changes = (
      'attack={name: gaussian_noise, scale: 1.0e+37, num_byzantine: 1, '
      'start_round: 2}',
      'server.aggregator=mean',
      'pruning=null',
    )
    with pytest.raises(
      round_checks.RoundError,
      match=r'^Round 2 leaves a .* not finite.*\(client 0\)',
    ):
      _run(path, *changes)
    assert [row['round'] for row in _rows(path)] == [1]
    # The same folder goes on where the user says so.
    with pytest.raises(round_checks.RoundError, match='got 0 of 6 in round 3'):
      _run(path, *changes, 'server.on_non_finite=warn')
    assert [row['round'] for row in _rows(path)] == [1, 2]


@pytest.mark.parametrize('local', ['clients.steps=3', 'clients.epochs=1'])
def test_clients_without_examples_take_no_part(tmp_path, local):
  _run(
    tmp_path / 'cell',
    'dataset.partition={name: dirichlet, alpha: 0.01, by: class, '
    'min_samples: 0}',
    'server.aggregator={name: krum, num_byzantine: 0}',
    'clients.num_clients=12',
    'attack=null',
    'pruning=null',
    local,
  )
  for row in _rows(tmp_path / 'cell'):
    assert row['clients/empty'] > 0
    assert row['clients/participating'] + row['clients/empty'] == 12
    # Most rows were 0, and Krum picked one of them for ever.
    assert row['update_norm/aggregate'] > 1e-3
    assert row['train/loss'] > 0.1
