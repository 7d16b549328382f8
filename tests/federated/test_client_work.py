"""One client's round: honest, or as the attack has it."""

import dataclasses

import mlp_reference
import numpy as np
import pytest
import tensorflow as tf
import tiny_federation as tiny

from flsec import seeds
from flsec.attacks.attack import Attack
from flsec.attacks.data.label_permutation import label_permutation
from flsec.attacks.training.flip_and_ascent import flip_and_ascent
from flsec.federated import client_work, state

_MALICIOUS = [False, True, False, True]
_SIZES = [6, 9, 4, 10]


def _result(plan, index, round_number=1, **changes):
  """Returns what a client sends in a round, as NumPy."""
  return _results(plan, [(index, round_number)], **changes)[0]


def _results(plan, keys, **changes):
  """Returns what is sent for each (client, round)."""
  work = tf.function(client_work.build_client_work(plan), autograph=False)
  return [_sent(plan, work, *key, changes) for key in keys]


def _sent(plan, work, index, round_number, changes):
  server_state = state.initial_state(plan)
  server_state['round'] = tf.constant(round_number - 1)
  server_state.update(changes)
  broadcast = state.broadcast_of(plan, server_state)
  client = tiny.structs(tiny.federation(_SIZES), _MALICIOUS)[index]
  result = work(broadcast, client)
  return tf.nest.map_structure(lambda leaf: leaf.numpy(), result)


def _attacked(attack, **options):
  return tiny.plan(attack=tiny.attack_plan(attack, _MALICIOUS, **options))


class TestHonest:
  def test_sends_update_loss_and_who_it_is(self):
    plan = tiny.plan()
    client = tiny.structs(tiny.federation(_SIZES), _MALICIOUS)[3]
    batches = mlp_reference.batches_of(plan.clients, client, 1)
    update, loss = mlp_reference.train(
      plan.initial_weights, batches, plan.clients.optimizer
    )
    found = _result(plan, 3)
    steps = len(batches)
    tiny.assert_close(found['update'], update, steps=steps)
    tiny.assert_close(found['loss'], loss, steps=steps)
    assert (found['weight'], found['client_id'], found['rank']) == (10, 3, 1)
    assert 'slots' not in found

  def test_trains_on_what_was_broadcast(self):
    plan = tiny.plan()
    weights = plan.initial_weights * 0.5
    client = tiny.structs(tiny.federation(_SIZES))[0]
    batches = mlp_reference.batches_of(plan.clients, client, 4)
    update, _ = mlp_reference.train(weights, batches, plan.clients.optimizer)
    found = _result(plan, 0, round_number=4, weights=tf.constant(weights))
    tiny.assert_close(found['update'], update, steps=len(batches))

  def test_weight_counts_real_examples_only(self):
    plan = tiny.plan(padded=True)
    work = client_work.build_client_work(plan)
    federated = tiny.federation(_SIZES)
    client = tiny.structs(federated, batch_size=4)[1]
    assert len(client['y']) == 12
    broadcast = state.broadcast_of(plan, state.initial_state(plan))
    assert work(broadcast, client)['weight'].numpy() == 9


class TestAttacker:
  @pytest.fixture
  def honest(self):
    sent = _results(tiny.plan(), [(i, 1) for i in range(4)])
    return [result['update'] for result in sent]

  def test_only_malicious_clients_attack(self, honest):
    attack = Attack('x', update=lambda update, context: -10 * update)
    plan = _attacked(attack)
    sent = _results(plan, [(i, 1) for i in range(4)])
    for i, is_malicious in enumerate(_MALICIOUS):
      expected = -10 * honest[i] if is_malicious else honest[i]
      np.testing.assert_allclose(sent[i]['update'], expected, rtol=0, atol=1e-6)

  def test_only_in_attacked_rounds(self):
    attack = Attack('x', update=lambda update, context: 0 * update)
    plan = _attacked(attack, start_round=2, every=3, stop_round=6)
    sent = _results(plan, [(1, number) for number in range(1, 9)])
    still = [n for n, r in enumerate(sent, 1) if not r['update'].any()]
    assert still == [2, 5]

  @pytest.mark.parametrize(
    'hook',
    [
      {'poison': lambda x, y, context: (x, tf.where(y == 1, 0, y))},
      {'gradient': lambda gradient, weights, context: -gradient},
      {'project': lambda weights, context: weights * 0.9},
    ],
    ids=lambda hook: next(iter(hook)),
  )
  def test_hooks_reach_training(self, hook, honest):
    plan = _attacked(Attack('x', **hook))
    benign, malicious = _results(plan, [(0, 1), (1, 1)])
    assert np.abs(malicious['update'] - honest[1]).max() > 1e-4
    np.testing.assert_array_equal(benign['update'], honest[0])

  def test_training_may_be_replaced(self, honest):
    def train(run, context):
      # Boosted, and from weights of its own.
      return run() + run(start=context.weights * 0.5)

    found = _result(_attacked(Attack('x', train=train)), 1)
    clients = tiny.clients_config()
    client = tiny.structs(tiny.federation(_SIZES))[1]
    batches = mlp_reference.batches_of(clients, client, 1)
    half, _ = mlp_reference.train(
      tiny.plan().initial_weights * 0.5, batches, clients.optimizer
    )
    tiny.assert_close(found['update'], honest[1] + half, steps=3 * len(batches))

  def test_update_hook_comes_behind_replaced_training(self, honest):
    attack = Attack(
      'x',
      train=lambda run, context: run() + 1.0,
      update=lambda update, context: 2 * update,
    )
    np.testing.assert_allclose(
      _result(_attacked(attack), 1)['update'], 2 * (honest[1] + 1), rtol=1e-6
    )


def test_attackers_are_told_what_they_may_know():
  told = {}

  def update(value, context):
    told.update(vars(context))
    rank = tf.cast(context.client_rank, tf.float32)
    return tf.zeros_like(value) + 100 * context.state[0] + rank

  plan = _attacked(
    Attack('x', update=update), state=(tf.constant(3.0), tf.constant(1))
  )
  sent = _results(plan, [(1, 1), (3, 1)])
  assert [result['update'][0] for result in sent] == [300, 301]
  assert told['layout'] is plan.model.layout and told['model'] is plan.model
  assert tf.get_static_value(told['num_clients']) == 4
  assert tf.get_static_value(told['num_byzantine']) == 2


def test_attackers_draw_by_client_and_round():
  def update(value, context):
    return tf.random.stateless_normal(tf.shape(value), context.seed)

  plan = _attacked(Attack('x', update=update))
  keys = (1, 1), (1, 1), (3, 1), (1, 2)
  first, again, client, later = (r['update'] for r in _results(plan, keys))
  np.testing.assert_array_equal(first, again)
  assert not np.array_equal(first, client)
  assert not np.array_equal(first, later)


def test_slots_of_the_client_live_on():
  optimizer = {
    'learning_rate': 0.01,
    'persistent': True,
    **tiny.TAME_ADAM,
  }
  plan = tiny.plan(clients=tiny.clients_config(optimizer=optimizer))
  slots = np.zeros([4, 2, plan.dimension], np.float32)
  slots[1] = 0.25
  found = _result(
    plan,
    1,
    slots=tf.constant(slots),
    counts=tf.constant([0, 40, 0, 0]),
  )
  # Nine examples are three batches, in two epochs.
  assert found['count'] == 46
  reference = mlp_reference.Optimizer(plan.clients.optimizer, plan.dimension)
  reference.first += 0.25
  reference.second += 0.25
  reference.count = 40
  client = tiny.structs(tiny.federation(_SIZES))[1]
  update, _ = mlp_reference.train(
    plan.initial_weights,
    mlp_reference.batches_of(plan.clients, client, 1),
    plan.clients.optimizer,
    optimizer=reference,
  )
  tiny.assert_close(found['update'], update, steps=6)
  tiny.assert_close(found['slots'][0], reference.first, steps=6)
  tiny.assert_close(found['slots'][1], reference.second, steps=6)


@pytest.mark.parametrize('padded', [False, True])
@pytest.mark.parametrize('clients', [{'epochs': 3}, {'steps': 5}])
def test_relabelled_examples_keep_their_labels_in_every_batch(padded, clients):
  # An attacker trains as a client that holds the new labels would; where its
  # attack trains honestly, too, it does so on the true ones.
  federated = tiny.federation(_SIZES)
  labels = np.roll(federated.y, 7)
  attacked = dataclasses.replace(federated, attack_y=labels)
  relabelled = dataclasses.replace(federated, y=labels)
  config = tiny.clients_config(4, **{'epochs': 1, **clients})
  sent = {}
  for name, attack, held in (
    ('honest', None, federated),
    ('wrong', None, relabelled),
    ('permutation', label_permutation(), attacked),
    ('ascent', flip_and_ascent(), attacked),
  ):
    plan = tiny.plan(
      attack=attack and tiny.attack_plan(attack, _MALICIOUS),
      clients=config,
      padded=padded,
    )
    client = tiny.structs(held, _MALICIOUS, 4 if padded else None)[3]
    assert list(client_work.client_type(plan)) == list(client)
    broadcast = state.broadcast_of(plan, state.initial_state(plan))
    work = tf.function(client_work.build_client_work(plan), autograph=False)
    sent[name] = work(broadcast, client)['update'].numpy()
  assert np.abs(sent['wrong'] - sent['honest']).max() > 1e-3
  np.testing.assert_allclose(sent['permutation'], sent['wrong'], atol=1e-6)
  np.testing.assert_allclose(
    sent['ascent'], sent['wrong'] - sent['honest'], atol=1e-6
  )


@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_slots_of_an_update_that_is_not_finite_are_those_before(value):
  # NaN in an Adam moment would stay there for good.
  optimizer = {'learning_rate': 0.01, 'name': 'adam', 'persistent': True}
  attack = Attack('x', gradient=lambda gradient, weights, context: value)
  plan = dataclasses.replace(
    _attacked(attack, stop_round=1),
    clients=tiny.clients_config(optimizer=optimizer),
  )
  slots = np.zeros([4, 2, plan.dimension], np.float32)
  slots[1] = 0.25
  given = {
    'slots': tf.constant(slots),
    'counts': tf.constant([0, 40, 0, 0]),
  }
  bad, good = _results(plan, [(1, 1), (0, 1)], **given)
  assert not np.isfinite(bad['update']).all()
  np.testing.assert_array_equal(bad['slots'], slots[1])
  assert bad['count'] == 40
  assert np.isfinite(good['update']).all() and good['count'] == 4


def test_slots_that_are_not_finite_are_not_kept():
  # The second moment overflows; the update itself is 0 and finite.
  optimizer = {'learning_rate': 0.01, 'name': 'adam', 'persistent': True}

  def gradient(gradient, weights, context):
    return tf.ones_like(gradient) * 1e25

  plan = dataclasses.replace(
    _attacked(Attack('x', gradient=gradient)),
    clients=tiny.clients_config(epochs=1, batch_size=16, optimizer=optimizer),
  )
  found = _result(plan, 1)
  assert np.isfinite(found['update']).all()
  assert not found['slots'].any() and found['count'] == 0


def test_client_type_is_what_the_pool_makes():
  plan = tiny.plan()
  client = tiny.structs(tiny.federation(_SIZES))[0]
  spec = client_work.client_type(plan)
  assert list(spec) == list(client)
  for name, leaf in client.items():
    assert spec[name].is_compatible_with(leaf), name
  np.testing.assert_array_equal(
    client['seed'], seeds.stream(tiny.SEED, 'client', 0)
  )
