"""What clients report: against a plain reference, lies, and other runtimes."""

import conv_federation as conv
import numpy as np
import pytest
import tensorflow as tf
import tiny_federation as tiny

from flsec import attacks
from flsec.attacks.attack import Attack
from flsec.defenses.phase import Question
from flsec.federated import reports, state
from flsec.runtime.device import Device
from flsec.runtime.in_process import InProcess

SIZES = [6, 5, 9, 3, 8]
RANKS, BITS = Question('ranks'), Question('bits', share=0.5)
TRIGGER = {
  'trigger': {'patch': [2, 2], 'position': [0, 4], 'value': 6.0},
  'target_label': 0,
}


def _plan(**options):
  return tiny.plan(len(SIZES), model=conv.model(), **options)


def _attack(attack, malicious, **options):
  return tiny.attack_plan(attack, malicious, **options)


def _lying(report):
  return attacks.build(
    'compose',
    attacks=[
      attacks.build('badnets', **TRIGGER, input_shape=(6, 6, 1)),
      attacks.build('false_reports', report=report),
    ],
  )


def _ask(plan, question, clients, num_threads=1):
  asked = reports.asked_state(state.initial_state(plan))
  built = reports.build_reports(plan, question)
  return conv.exchange(built, asked, clients, num_threads)[1]


def _expected(plan, federated, clients=None):
  """Float64 activations of each client, [n, C]."""
  rows = [
    conv.mean_activations(plan.model, plan.initial_weights, shard.x)
    for shard in map(federated.client, clients or range(federated.num_clients))
  ]
  return np.array(rows)


def _ranks(activations):
  return np.argsort(np.argsort(activations, kind='stable')) + 1


MALICIOUS = [False, True, False, False, True]


class TestHonest:
  def test_ranks_are_those_of_a_plain_loop(self):
    plan, federated = _plan(), conv.federation(SIZES)
    expected = np.array([_ranks(a) for a in _expected(plan, federated)])
    found = _ask(plan, RANKS, conv.structs(federated))
    np.testing.assert_array_equal(found['reports'], expected)
    np.testing.assert_array_equal(found['sums'], expected.sum(axis=0))
    np.testing.assert_array_equal(found['client_id'], np.arange(5))
    assert (found['valid'], found['dropped']) == (5, 0)
    assert found['is_valid'].all()

  @pytest.mark.parametrize('share', [0.2, 0.5, 0.8])
  def test_bits_are_those_of_a_plain_loop(self, share):
    plan, federated = _plan(), conv.federation(SIZES)
    ranks = np.array([_ranks(a) for a in _expected(plan, federated)])
    found = _ask(plan, Question('bits', share=share), conv.structs(federated))
    expected = ranks > int(share * 5)
    np.testing.assert_array_equal(found['reports'], expected)
    np.testing.assert_array_equal(found['sums'], expected.sum(axis=0))

  def test_padding_and_threads_change_nothing(self):
    federated = conv.federation(SIZES)
    found = [
      _ask(_plan(padded=padded), RANKS, conv.structs(federated, None, size), n)
      for padded, size, n in ((False, None, 1), (False, None, 3), (True, 4, 1))
    ]
    for other in found[1:]:
      for name, value in found[0].items():
        np.testing.assert_array_equal(value, other[name])

  def test_absent_clients_do_not_count(self):
    plan, federated = _plan(), conv.federation(SIZES)
    some = [0, 2, 3]
    expected = [_ranks(a) for a in _expected(plan, federated, some)]
    clients = [conv.structs(federated)[i] for i in some]
    found = _ask(plan, RANKS, clients[::-1])
    np.testing.assert_array_equal(found['sums'], np.sum(expected, axis=0))
    np.testing.assert_array_equal(found['client_id'], some)
    assert found['valid'] == 3

  def test_a_client_without_examples_is_dropped(self):
    plan, federated = _plan(), conv.federation([6, 0, 9, 3, 8])
    found = _ask(plan, BITS, conv.structs(federated))
    np.testing.assert_array_equal(
      found['is_valid'], [True, False, True, True, True]
    )
    assert (found['valid'], found['dropped']) == (4, 1)
    held = found['reports'][found['is_valid']]
    np.testing.assert_array_equal(found['sums'], held.sum(axis=0))


class TestLies:
  def test_reversed_ranks_and_bits(self):
    federated = conv.federation(SIZES)
    plan = _plan(attack=_attack(_lying('reversed'), MALICIOUS))
    ranks = np.array([_ranks(a) for a in _expected(plan, federated)])
    clients = conv.structs(federated, MALICIOUS)
    found = _ask(plan, RANKS, clients)
    expected = np.where(np.array(MALICIOUS)[:, None], 6 - ranks, ranks)
    np.testing.assert_array_equal(found['reports'], expected)
    assert (found['valid'], found['dropped']) == (5, 0)
    found = _ask(plan, BITS, clients)
    bits = ranks > 2
    expected = np.where(np.array(MALICIOUS)[:, None], ~bits, bits)
    np.testing.assert_array_equal(found['reports'], expected)

  def test_triggered_channels_are_raised(self):
    federated = conv.federation(SIZES)
    plan = _plan(attack=_attack(_lying('triggered'), MALICIOUS))
    found = _ask(plan, RANKS, conv.structs(federated, MALICIOUS))
    changed = 0
    for client, is_malicious in enumerate(MALICIOUS):
      shard = federated.client(client)
      clean = conv.mean_activations(plan.model, plan.initial_weights, shard.x)
      x = shard.x[shard.y != 0].copy()
      x[:, 0:2, 4:6] = 6.0
      triggered = conv.mean_activations(plan.model, plan.initial_weights, x)
      raised = np.maximum(clean, triggered)
      expected = _ranks(raised if is_malicious else clean)
      np.testing.assert_array_equal(found['reports'][client], expected)
      changed += (expected != _ranks(clean)).sum()
    assert changed  # Or the trigger would show nothing.

  def test_an_attacker_without_victims_tells_the_truth(self):
    """None of its images is of another class than the target."""
    federated = conv.federation(SIZES)
    federated.y[:] = 0
    plan = _plan(attack=_attack(_lying('triggered'), MALICIOUS))
    found = _ask(plan, RANKS, conv.structs(federated, MALICIOUS))
    honest = _ask(_plan(), RANKS, conv.structs(federated))
    np.testing.assert_array_equal(found['reports'], honest['reports'])

  def test_outside_its_rounds_an_attacker_tells_the_truth(self):
    federated = conv.federation(SIZES)
    attack = _attack(_lying('reversed'), MALICIOUS, start_round=2)
    found = _ask(
      _plan(attack=attack), RANKS, conv.structs(federated, MALICIOUS)
    )
    honest = _ask(_plan(), RANKS, conv.structs(federated))
    np.testing.assert_array_equal(found['reports'], honest['reports'])

  @pytest.mark.parametrize(
    ('question', 'report'),
    [
      (RANKS, [1, 1, 1, 1, 1]),
      (RANKS, [100, 2, 3, 4, 5]),
      (RANKS, [0, 1, 2, 3, 4]),
      (BITS, [0, 1, 2, 0, 1]),
      (BITS, [-9, 0, 0, 0, 0]),
    ],
  )
  def test_what_is_no_report_is_dropped_and_counted(self, question, report):
    federated = conv.federation(SIZES)
    lie = Attack('lie', report=lambda *unused: tf.constant(report))
    plan = _plan(attack=_attack(lie, MALICIOUS))
    found = _ask(plan, question, conv.structs(federated, MALICIOUS))
    honest = _ask(_plan(), question, conv.structs(federated))['reports']
    np.testing.assert_array_equal(found['is_valid'], ~np.array(MALICIOUS))
    assert (found['valid'], found['dropped']) == (3, 2)
    np.testing.assert_array_equal(
      found['sums'], honest[~np.array(MALICIOUS)].sum(axis=0)
    )


def test_the_servers_state_is_left_as_it_is():
  plan, federated = _plan(keeps_removed=True), conv.federation(SIZES)
  asked = reports.asked_state(state.initial_state(plan))
  built = reports.build_reports(plan, RANKS)
  after, _ = conv.exchange(built, asked, conv.structs(federated))
  assert list(after) == ['weights', 'round', 'removed']
  for name, value in asked.items():
    np.testing.assert_array_equal(after[name], value)


def test_xla_compiles_what_a_client_does():
  plan, federated = _plan(padded=True), conv.federation(SIZES)
  built = reports.build_reports(plan, RANKS)
  asked = reports.asked_state(state.initial_state(plan))
  clients = conv.structs(federated, None, batch_size=4)
  with InProcess(
    built, num_threads=1, device=Device(name='/CPU:0', uses_xla=True)
  ) as runtime:
    found = runtime.next(asked, clients)[1]
  expected = _ask(_plan(), RANKS, conv.structs(federated))
  np.testing.assert_array_equal(found['reports'], expected['reports'])
