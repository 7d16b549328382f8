"""What stops a run, and what it is told then."""

import numpy as np
import pytest

from flsec import aggregators
from flsec.config import schema
from flsec.experiment import round_checks

_WEIGHTS = np.zeros(3, np.float32)


def _output(too_few=0, **changes):
  return {
    'client_id': np.array([2, 3, 5, 8]),
    'weight': np.array([6.0, 0.0, 4.0, 1.0]),
    'norm': np.float32([0.5, 0.0, np.nan, 2e20]),
    'is_finite': np.array([True, True, False, True]),
    'rule/too_few_clients': np.int32(too_few),
    **changes,
  }


def _check(
  output, weights=_WEIGHTS, metrics=(), rule='median', times=1, **policies
):
  options = {'num_byzantine': 1} if rule == 'krum' else {}
  checks = round_checks.RoundChecks(
    schema.ServerConfig(**policies), aggregators.build(rule, **options)
  )
  for number in range(7, 7 + times):
    checks.check(number, output, weights, dict(metrics))


def _message(*args, **options):
  with pytest.raises(round_checks.RoundError) as error:
    _check(*args, **options)
  assert '\n' not in str(error.value)
  return str(error.value)


def test_a_sound_round_passes():
  _check(_output(), metrics={'test/loss': 0.3})


class TestTooFew:
  def test_rule_round_clients_and_way_out_are_named(self):
    message = _message(_output(too_few=1), rule='krum')
    assert message.startswith(
      'krum(num_byzantine=1) needs at least 5 clients (n >= 2 f + 3'
    )
    assert (
      'got 2 of 4 in round 7 (NaN or infinity from client 5; no example on '
      'client 3). Lower num_byzantine'
    ) in message
    assert message.endswith('Rounds before it are kept.')

  def test_many_clients_are_counted(self):
    bad = _output(
      too_few=1,
      client_id=np.arange(25),
      weight=np.ones(25),
      norm=np.full(25, np.nan),
      is_finite=np.zeros(25, bool),
    )
    message = _message(bad)
    assert (
      'got 0 of 25 in round 7 (NaN or infinity from clients 0, 1, 2, 3, 4, 5, '
      '6, 7, 8, 9 and 15 more)'
    ) in message

  @pytest.mark.parametrize('policy', ['mean', 'skip'])
  def test_another_policy_goes_on(self, policy):
    _check(_output(too_few=1), on_too_few=policy)


class TestNotFinite:
  @pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
  def test_a_weight(self, value):
    message = _message(_output(), np.float32([0, value, 1]))
    assert message.startswith(
      'Round 7 leaves a global weight that is not finite. The longest updates: '
      '2e+20 (client 8), 0.5 (client 2).'
    )
    assert 'set server.on_non_finite to warn' in message

  @pytest.mark.parametrize('value', [float('nan'), float('inf')])
  def test_a_test_loss(self, value):
    message = _message(_output(), metrics={'test/loss': value})
    assert message.startswith('Round 7 leaves a test loss that is not finite.')

  def test_a_warning_instead_and_once(self, monkeypatch):
    said = []
    monkeypatch.setattr(
      round_checks.logging, 'warning', lambda *args: said.append(args)
    )
    _check(_output(), np.float32([np.nan]), times=3, on_non_finite='warn')
    assert len(said) == 1 and 'Round 7' in said[0][1]
