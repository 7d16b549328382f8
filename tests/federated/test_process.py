"""A whole round, and round after round, against plain NumPy."""

import dataclasses

import mlp_reference
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_federated as tff
import tiny_federation as tiny

from flsec import attacks, pruning
from flsec.attacks.attack import Attack
from flsec.federated import client_work, process

_SIZES = [10, 5, 7, 3]
_MALICIOUS = [False, True, False, False]
_ADAM = {
  'learning_rate': 0.01,
  'persistent': True,
  **tiny.TAME_ADAM,
}


def _clients(malicious=None):
  return tiny.structs(tiny.federation(_SIZES), malicious)


def _updates(plan, weights, round_number, optimizers=None, change=None):
  """Returns each client's update [n, d] as a plain loop trains it."""
  rows = []
  for i, client in enumerate(_clients()):
    batches = mlp_reference.batches_of(plan.clients, client, round_number)
    if change:
      batches = [(x, change(i, y)) for x, y in batches]
    own = optimizers and optimizers[i]
    rows.append(
      mlp_reference.train(
        weights, batches, plan.clients.optimizer, optimizer=own
      )[0]
    )
  return np.stack(rows)


def _close(found, expected):
  # Of three rounds at most, of two epochs of three batches at most.
  tiny.assert_close(found, expected, steps=18)


class TestMean:
  def test_is_weighted_by_examples(self):
    plan = tiny.plan()
    expected = np.asarray(plan.initial_weights, np.float64)
    for number, found in enumerate(
      tiny.weights_of(tiny.run(plan, _clients(), rounds=2)), 1
    ):
      rows = _updates(plan, expected, number)
      expected = expected + np.average(rows, axis=0, weights=_SIZES)
      _close(found, expected)

  def test_streaming_equals_stacking(self):
    plan = tiny.plan()
    assert plan.streams
    rule = dataclasses.replace(plan.rule, is_weighted_mean=False)
    stacked = dataclasses.replace(plan, rule=rule)
    assert not stacked.streams
    found = [tiny.run(p, _clients())[0] for p in (plan, stacked)]
    _close(found[0][0]['weights'], found[1][0]['weights'])
    for name in ('client_id', 'weight', 'loss', 'norm', 'selected'):
      np.testing.assert_allclose(found[0][1][name], found[1][1][name], 1e-5)

  @pytest.mark.parametrize('streams', [True, False])
  def test_a_client_that_is_not_finite_is_dropped(self, streams):
    plan = tiny.plan()
    if not streams:
      rule = dataclasses.replace(plan.rule, is_weighted_mean=False)
      plan = dataclasses.replace(plan, rule=rule)
    assert plan.streams == streams
    clients = _clients()
    clients[2]['x'] = clients[2]['x'] * np.nan
    state, metrics = tiny.run(plan, clients)[0]
    rows = _updates(plan, plan.initial_weights, 1)
    kept = [0, 1, 3]
    mean = np.average(rows[kept], axis=0, weights=np.take(_SIZES, kept))
    _close(state['weights'], plan.initial_weights + mean)
    assert metrics['num_dropped'] == 1
    assert metrics['selected'][2] == 0 and (metrics['selected'][kept] > 0).all()


@pytest.mark.parametrize('rule', ['mean', 'median'])
def test_rows_are_by_client_id_in_whatever_order_clients_come(rule):
  plan, clients = tiny.plan(rule=rule), _clients()
  shuffled = [clients[i] for i in (2, 0, 3, 1)]
  (state, metrics), (other, other_metrics) = (
    tiny.run(plan, given)[0] for given in (clients, shuffled)
  )
  for found in (metrics, other_metrics):
    np.testing.assert_array_equal(found['client_id'], range(4))
    np.testing.assert_array_equal(found['weight'], _SIZES)
  np.testing.assert_array_equal(metrics['norm'], other_metrics['norm'])
  _close(other['weights'], state['weights'])


class TestMemoryOfClients:
  def test_adam_slots_live_on(self):
    plan = tiny.plan(clients=tiny.clients_config(4, optimizer=_ADAM))
    optimizers = [
      mlp_reference.Optimizer(plan.clients.optimizer, plan.dimension)
      for _ in _SIZES
    ]
    expected = np.asarray(plan.initial_weights, np.float64)
    for number, (state, _) in enumerate(
      tiny.run(plan, _clients(), rounds=3), 1
    ):
      rows = _updates(plan, expected, number, optimizers)
      expected = expected + np.average(rows, axis=0, weights=_SIZES)
      _close(state['weights'], expected)
      assert list(state['counts']) == [one.count for one in optimizers]

  def test_momentum_lives_on(self):
    beta = 0.7
    plan = tiny.plan(clients=tiny.clients_config(4, momentum=beta))
    expected = np.asarray(plan.initial_weights, np.float64)
    momenta = np.zeros([4, plan.dimension])
    for number, (state, _) in enumerate(
      tiny.run(plan, _clients(), rounds=3), 1
    ):
      rows = _updates(plan, expected, number)
      momenta = beta * momenta + (1 - beta) * rows
      expected = expected + np.average(momenta, axis=0, weights=_SIZES)
      _close(state['weights'], expected)
      _close(state['momenta'], momenta)

  def test_the_learning_rate_decays(self):
    optimizer = {'learning_rate': 0.1, 'decay_rounds': (2,)}
    plan = tiny.plan(clients=tiny.clients_config(4, optimizer=optimizer))
    first, second = tiny.weights_of(tiny.run(plan, _clients(), rounds=2))
    slow = tiny.clients_config(4, optimizer={'learning_rate': 0.01})
    rows = _updates(dataclasses.replace(plan, clients=slow), first, 2)
    _close(second - first, np.average(rows, axis=0, weights=_SIZES))


class TestPruning:
  def test_clients_train_from_the_pruned_weights(self):
    plan = tiny.plan(pruner=pruning.build('flap', every=5))
    first, second = tiny.run(plan, _clients(), rounds=2)
    pruned = first[0]['weights']
    assert first[1]['pruned'] and not second[1]['pruned']
    gone = first[0]['mask']
    assert gone.any() and not pruned[gone].any()
    rows = _updates(plan, pruned, 2)
    mean = np.average(rows, axis=0, weights=_SIZES)
    _close(second[0]['weights'], pruned + mean)

  def test_clients_are_sent_the_pruned_weights(self):
    # The only client sends back what it was sent; the weights double.
    attack = Attack(
      'echo', train=lambda run, context: run() * 0 + (context.weights)
    )
    plan = tiny.plan(
      1,
      attack=tiny.attack_plan(attack, [True]),
      pruner=pruning.build('flap', every=5),
    )
    clients = tiny.structs(tiny.federation([4]), [True])
    first, second = tiny.run(plan, clients, rounds=2)
    gone = first[0]['mask']
    assert gone.any() and not second[0]['weights'][gone].any()
    assert plan.initial_weights[gone].any()
    _close(second[0]['weights'], 2 * first[0]['weights'])


class TestAttack:
  def _plan(self, attack, **schedule):
    return tiny.plan(attack=tiny.attack_plan(attack, _MALICIOUS, **schedule))

  def test_labels_really_flip_inside_tff(self):
    # In TFF's own graphs == compares identities, and nothing would flip.
    source = int(_clients()[1]['y'][0])
    target = (source + 1) % tiny.CLASSES
    attack = attacks.build(
      'label_flip', source_label=source, target_label=target
    )
    plan = self._plan(attack)
    (state, metrics), (_, honest) = (
      tiny.run(p, _clients(_MALICIOUS))[0]
      for p in (plan, dataclasses.replace(plan, attack=None))
    )

    def flip(client, labels):
      flipped = np.where(labels == source, target, labels)
      return flipped if client == 1 else labels

    rows = _updates(plan, plan.initial_weights, 1, change=flip)
    mean = np.average(rows, axis=0, weights=_SIZES)
    _close(state['weights'], plan.initial_weights + mean)
    changed = np.abs(metrics['norm'] - honest['norm']) > 1e-4
    np.testing.assert_array_equal(changed, _MALICIOUS)

  def test_is_active_on_schedule(self):
    attack = Attack('x', update=lambda update, context: update * 100)
    plan = self._plan(attack, start_round=2, stop_round=5, every=2)
    attacked = [
      number
      for number, (_, metrics) in enumerate(
        tiny.run(plan, _clients(_MALICIOUS), rounds=6), 1
      )
      if metrics['norm'][1] > 10 * metrics['norm'][0]
    ]
    assert attacked == [2, 4]

  @pytest.mark.parametrize('knowledge', ['none', 'partial', 'full'])
  def test_knowledge_is_enforced(self, knowledge):
    def craft(own, benign, context):
      return tf.zeros_like(own) + tf.reduce_sum(own) + tf.reduce_sum(benign)

    malicious = [False, True, True, False]
    planned = tiny.attack_plan(
      Attack('x', craft=craft), malicious, knowledge=knowledge
    )
    plan = tiny.plan(rule='median', attack=planned)
    norms = []
    for changed in (None, 0, 1):
      clients = _clients(malicious)
      if changed is not None:
        clients[changed]['y'] = 2 - clients[changed]['y']
      norms.append(tiny.run(plan, clients)[0][1]['norm'])
    plain, benign, own = (norm[2] for norm in norms)
    assert (plain != benign) == (knowledge == 'full')
    assert (plain != own) == (knowledge != 'none')


def test_a_subset_of_the_clients_takes_part():
  plan = tiny.plan(rule='median', num_participants=2)
  clients = _clients()
  state, metrics = tiny.run(plan, [clients[1], clients[3]])[0]
  np.testing.assert_array_equal(metrics['client_id'], [1, 3])
  rows = _updates(plan, plan.initial_weights, 1)[[1, 3]]
  _close(state['weights'], plan.initial_weights + rows.mean(axis=0))


class TestTypes:
  def test_state_goes_round(self):
    built = process.build_process(tiny.plan(rule='centered_clipping'))
    signature = built.next.type_signature
    assert signature.parameter[0] == signature.result[0]
    assert built.initialize.type_signature.result == signature.parameter[0]

  def test_clients_hold_their_type(self):
    plan = tiny.plan()
    built = process.build_process(plan)
    found = built.next.type_signature.parameter[1]
    assert found.placement is tff.CLIENTS
    assert found.member == process.tff_type(client_work.client_type(plan))

  def test_nested_specs(self):
    spec = {
      'a': tf.TensorSpec([None, 2], tf.int32),
      'b': {'c': tf.TensorSpec([], tf.bool)},
    }
    assert str(process.tff_type(spec)) == '<a=int32[?,2],b=<c=bool>>'
