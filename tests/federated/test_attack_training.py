"""Attackers that train otherwise than honest clients do."""

import mlp_reference
import numpy as np
import pytest
import tensorflow as tf
import tiny_federation as tiny
import xla_programs

from flsec.attacks.attack import Attack, AttackContext
from flsec.attacks.data.label_flip import label_flip
from flsec.config.attack_training import AttackTrainingConfig
from flsec.federated import attack_training, client_work, state
from flsec.federated.attack_training import AttackTraining
from flsec.federated.batches import MixedBatches, Shard
from flsec.federated.local_training import Hooks

_SIZES, _MALICIOUS = [6, 9, 4, 10], [False, True, False, True]
_ATTACKER = 3


def _plan(clients, attack=None, padded=False, stop_round=None, **training):
  """A plan whose attackers train as `attack.training` says."""
  attack = attack or label_flip(source_label=1, target_label=2)
  own = AttackTraining.of(
    AttackTrainingConfig(**training), clients, attack.source_labels
  )
  return tiny.plan(
    clients=clients,
    padded=padded,
    attack=tiny.attack_plan(
      attack, _MALICIOUS, training=own, stop_round=stop_round
    ),
  )


def _sent(plan, index=_ATTACKER, round_number=1, **changes):
  work = tf.function(client_work.build_client_work(plan), autograph=False)
  server_state = state.initial_state(plan)
  server_state['round'] = tf.constant(round_number - 1)
  server_state.update(changes)
  client = tiny.structs(
    tiny.federation(_SIZES), _MALICIOUS, 4 if plan.padded else None
  )[index]
  result = work(state.broadcast_of(plan, server_state), client)
  return tf.nest.map_structure(lambda leaf: leaf.numpy(), result)


def _expected(clients, batches, start=None):
  """What a plain loop sends that calls ones twos."""
  flipped = [(x, np.where(y == 1, 2, y)) for x, y in batches]
  weights = tiny.model().initial_weights(tiny.SEED) if start is None else start
  return mlp_reference.train(weights, flipped, clients.optimizer)


class TestAgainstAPlainLoop:
  @pytest.mark.parametrize('padded', [False, True])
  @pytest.mark.parametrize(
    'training, same_as',
    [
      ({'epochs': 3}, {'epochs': 3}),
      ({'steps': 5}, {'epochs': 1, 'steps': 5}),
      (
        {'epochs': 1, 'learning_rate': 0.02},
        {'epochs': 1, 'optimizer': {'learning_rate': 0.02}},
      ),
    ],
  )
  def test_length_and_rate(self, padded, training, same_as):
    # Honest clients take two epochs at rate 0.1.
    plan = _plan(tiny.clients_config(), padded=padded, **training)
    clients = tiny.clients_config(**same_as)
    client = tiny.structs(tiny.federation(_SIZES), _MALICIOUS)[_ATTACKER]
    batches = mlp_reference.batches_of(clients, client, 1)
    update, loss = _expected(clients, batches)
    found = _sent(plan)
    tiny.assert_close(found['update'], update, steps=len(batches))
    tiny.assert_close(found['loss'], loss, steps=len(batches))

  def test_the_first_batches_of_each_epoch(self):
    clients = tiny.clients_config(epochs=1)
    client = tiny.structs(tiny.federation(_SIZES), _MALICIOUS)[_ATTACKER]
    twice = tiny.clients_config(epochs=2)
    whole = mlp_reference.batches_of(twice, client, 1)
    assert len(whole) == 6  # Ten examples in batches of 4, twice.
    update, _ = _expected(clients, whole[:2] + whole[3:5])
    found = _sent(_plan(clients, epochs=2, batches=2))
    tiny.assert_close(found['update'], update, steps=4)

  def test_another_optimizer(self):
    clients = tiny.clients_config(epochs=1, batch_size=16)
    adam = tiny.clients_config(
      optimizer={'name': 'adam', 'learning_rate': 0.01}
    )
    plan = _plan(clients, epochs=1, optimizer='adam', learning_rate=0.01)
    found = _sent(plan)['update']
    client = tiny.structs(tiny.federation(_SIZES), _MALICIOUS)[_ATTACKER]
    batches = mlp_reference.batches_of(clients, client, 1)
    assert len(batches) == 1
    update, _ = _expected(adam, batches)
    # The first step of Adam is the rate times a sign, nearly.
    np.testing.assert_allclose(np.abs(update), 0.01, rtol=0.05)
    np.testing.assert_allclose(found, update, rtol=1e-3)


class TestWho:
  def test_honest_clients_train_as_before(self):
    clients = tiny.clients_config()
    plan = _plan(clients, epochs=7)
    honest = tiny.plan(clients=clients)
    for index in (0, 2):
      np.testing.assert_array_equal(
        _sent(plan, index)['update'], _sent(honest, index)['update']
      )

  def test_attackers_do_in_rounds_without_attack(self):
    clients = tiny.clients_config()
    plan = _plan(clients, epochs=7, stop_round=1)
    honest = _sent(tiny.plan(clients=clients), round_number=2)['update']
    attacked = _sent(plan, round_number=1)['update']
    assert np.abs(attacked - honest).max() > 1e-3
    np.testing.assert_array_equal(_sent(plan, round_number=2)['update'], honest)

  def test_it_is_an_attack_on_its_own(self):
    plan = _plan(tiny.clients_config(), Attack('x'), epochs=7)
    assert plan.attack.changes_training
    clients = tiny.clients_config(epochs=7)
    honest = _sent(tiny.plan(clients=clients))['update']
    np.testing.assert_array_equal(_sent(plan)['update'], honest)

  @pytest.mark.parametrize('padded', [False, True])
  def test_moments_of_another_optimizer_are_not_the_clients(self, padded):
    optimizer = {'learning_rate': 0.01, 'persistent': True, **tiny.TAME_ADAM}
    clients = tiny.clients_config(optimizer=optimizer)
    slots = np.zeros([4, 2, tiny.plan().dimension], np.float32)
    slots[_ATTACKER] = 0.25
    kept = {
      'slots': tf.constant(slots),
      'counts': tf.constant([0, 0, 0, 40]),
    }
    plan = _plan(clients, optimizer='sgd', learning_rate=0.1, padded=padded)
    found = _sent(plan, **kept)
    np.testing.assert_array_equal(found['slots'], slots[_ATTACKER])
    assert found['count'] == 40
    sgd = _plan(tiny.clients_config(), epochs=2, padded=padded)
    np.testing.assert_allclose(found['update'], _sent(sgd)['update'], atol=1e-6)
    # Those of the same optimiser are: two epochs of three batches.
    plan = _plan(clients, learning_rate=0.1, padded=padded)
    assert _sent(plan, **kept)['count'] == 46


def _shard(labels, padding=0):
  """Examples that are their own numbers, from 10 on."""
  y = np.array([*labels, *[-1] * padding], np.int32)
  x = np.arange(10, 10 + len(y), dtype=np.float32)
  return Shard(
    tf.constant(x), tf.constant(y), tf.constant(len(labels)), tf.constant(-y)
  )


class TestMixedBatches:
  @pytest.mark.parametrize('padding', [0, 3])
  def test_rows_of_the_class_come_first_and_again(self, padding):
    # Of class 1 the examples 11, 14; the others 10, 12, 13, 15, 16.
    shard = _shard([0, 1, 2, 0, 1, 3, 2], padding)
    batches = MixedBatches(5, padding > 0, None, (1,), 3)
    taken = [batches.take(shard, tf.constant(p)) for p in range(3)]
    assert [x.numpy().tolist() for x, *_ in taken] == [
      [11, 14, 11, 10, 12],
      [14, 11, 14, 13, 15],
      [11, 14, 11, 16, 10],
    ]
    for x, y, attack_y, mask in taken:
      rows = x.numpy().astype(int) - 10
      np.testing.assert_array_equal(y, shard.y.numpy()[rows])
      np.testing.assert_array_equal(attack_y, -y.numpy())
      assert mask is None if not padding else mask.numpy().tolist() == [1] * 5

  @pytest.mark.parametrize('labels', [[0, 2, 3], [1, 1, 1]])
  def test_where_one_kind_is_missing_the_other_fills(self, labels):
    batches = MixedBatches(2, False, None, (1,), 1)
    taken = [batches.take(_shard(labels), tf.constant(p))[0] for p in range(2)]
    assert [x.numpy().tolist() for x in taken] == [[10, 11], [12, 10]]

  def test_several_classes_count_as_one_kind(self):
    batches = MixedBatches(3, False, None, (1, 3), 2)
    x, *_ = batches.take(_shard([0, 1, 2, 3]), tf.constant(0))
    assert x.numpy().tolist() == [11, 13, 10]

  def test_the_number_of_batches_is_bounded(self):
    batches = MixedBatches(4, False, 2, (1,), 2)
    assert [batches.per_epoch(count) for count in (0, 4, 9)] == [0, 1, 2]
    assert batches.per_epoch(tf.constant(9)).numpy() == 2


@pytest.mark.parametrize('sampling', ['epochs', 'independent'])
@pytest.mark.parametrize('padded', [False, True])
def test_each_batch_has_so_many_poisoned_examples(sampling, padded):
  seen = []

  def record(x, y, context):
    seen.append(y.numpy().tolist())
    return x, y

  training = AttackTraining.of(
    AttackTrainingConfig(epochs=2, num_poisoned=3),
    tiny.clients_config(sampling=sampling),
    (1,),
  )
  client = tiny.structs(tiny.federation([10]), None, 4 if padded else None)[0]
  assert {0, 1, 2} <= set(client['y'].numpy()[:10].tolist())
  model = tiny.model()
  weights = tf.zeros([model.num_weights])
  train = attack_training.build_attack_training(model, training, padded=padded)
  train(  # Outside a graph, where a hook sees each batch.
    weights,
    Shard(client['x'], client['y'], client['count']),
    client['seed'],
    tf.constant(1),
    tf.zeros([0, model.num_weights]),
    tf.constant(0),
    Hooks(poison=record),
    AttackContext(weights=weights),
  )
  assert len(seen) == 6
  for labels in seen:
    assert [y == 1 for y in labels] == [True] * 3 + [False]


def test_there_must_be_a_class_to_draw_from():
  with pytest.raises(ValueError, match='changes examples of any class; got 3'):
    AttackTraining.of(
      AttackTrainingConfig(num_poisoned=3), tiny.clients_config(), ()
    )


@pytest.mark.parametrize(
  'training',
  [
    {'epochs': 2, 'batches': 1, 'num_poisoned': 3},
    {'steps': 2, 'optimizer': 'sgd', 'learning_rate': 0.1},
  ],
)
def test_one_program_trains_attackers_in_every_round(training):
  optimizer = {'learning_rate': 0.05, 'name': 'adam', 'persistent': True}
  clients = tiny.clients_config(optimizer=optimizer)
  plan = _plan(clients, padded=True, **training)
  work = client_work.build_client_work(plan)
  client = tiny.structs(tiny.federation(_SIZES), _MALICIOUS, 4)[_ATTACKER]
  broadcast = state.broadcast_of(plan, state.initial_state(plan))
  given = [broadcast, client]

  def trained(*leaves):
    return work(*tf.nest.pack_sequence_as(given, leaves))

  assert xla_programs.is_compiled_once(trained, *tf.nest.flatten(given))
