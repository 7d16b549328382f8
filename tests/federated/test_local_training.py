"""Local training against a plain loop, and what it must not depend on."""

import dataclasses

import mlp_reference
import numpy as np
import pytest
import tensorflow as tf
import tiny_federation as tiny

from flsec.attacks.attack import AttackContext
from flsec.config import schema
from flsec.federated import local_training, optimizers, split_weights
from flsec.federated.batches import Shard
from flsec.federated.local_training import Hooks
from flsec.models import flat

OPTIMIZERS = {
  'sgd': {'learning_rate': 0.1},
  'momentum': {'learning_rate': 0.1, 'momentum': 0.9},
  'adam': {'learning_rate': 0.01, **tiny.TAME_ADAM},
}


def _client(size=10, batch_size=None):
  return tiny.structs(tiny.federation([size]), batch_size=batch_size)[0]


def _train(clients, client, *, padded=False, round_number=1, hooks=None):
  """Runs the training as a graph; returns its Trained, as NumPy arrays."""
  model = tiny.model()
  one = local_training.build_local_training(model, clients, padded=padded)
  rows = local_training.num_slots(clients)

  @tf.function(autograph=False)
  def run(weights, client):
    trained = one(
      weights,
      Shard(client['x'], client['y'], client['count']),
      client['seed'],
      tf.constant(round_number),
      tf.zeros([rows, model.num_weights]),
      tf.constant(0),
      hooks or Hooks(),
      hooks and AttackContext(weights=weights),
    )
    return trained.update, trained.slots, trained.count, trained.loss

  results = run(tf.constant(model.initial_weights(tiny.SEED)), client)
  return local_training.Trained(*(result.numpy() for result in results))


def _start():
  return tiny.model().initial_weights(tiny.SEED)


class TestReference:
  @pytest.mark.parametrize('name', OPTIMIZERS)
  def test_equals_a_plain_loop(self, name):
    clients = tiny.clients_config(1, optimizer=OPTIMIZERS[name], epochs=3)
    client = _client()
    batches = mlp_reference.batches_of(clients, client, 1)
    update, loss = mlp_reference.train(_start(), batches, clients.optimizer)
    trained = _train(clients, client)
    assert np.abs(update).max() > 1e-2
    steps = len(batches)
    tiny.assert_close(trained.update, update, steps=steps)
    tiny.assert_close(trained.loss, loss, steps=steps)

  def test_gradient_is_that_of_the_model(self):
    fed = tiny.federation([6])
    loss, gradient = mlp_reference.loss_and_gradient(_start(), fed.x, fed.y)
    found = tiny.model().loss_and_gradient(
      tf.constant(_start()), tf.constant(fed.x), tf.constant(fed.y)
    )
    tiny.assert_close(found[0], loss, steps=1)
    tiny.assert_close(found[1], gradient, steps=1)


class TestBatches:
  def test_an_epoch_visits_every_example_once(self):
    clients, client = tiny.clients_config(1, epochs=2), _client(10)
    batches = mlp_reference.batches_of(clients, client, 1)
    assert [len(y) for _, y in batches] == [4, 4, 2] * 2
    for epoch in (batches[:3], batches[3:]):
      rows = np.concatenate([x for x, _ in epoch])
      assert sorted(map(tuple, rows)) == sorted(
        map(tuple, client['x'].numpy().astype(np.float64))
      )

  def test_labels_stay_with_their_examples(self):
    clients, client = tiny.clients_config(1), _client(10)
    label = {tuple(x): y for x, y in zip(client['x'].numpy(), client['y'])}
    for x, y in mlp_reference.batches_of(clients, client, 1):
      assert [label[tuple(row.astype(np.float32))] for row in x] == list(y)

  @pytest.mark.parametrize(
    'size, steps', [(1, 1), (3, 1), (4, 1), (5, 2), (10, 3)]
  )
  def test_short_batches_are_steps(self, size, steps):
    clients = tiny.clients_config(1, epochs=2)
    for padded in (False, True):
      client = _client(size, batch_size=4 if padded else None)
      trained = _train(clients, client, padded=padded)
      assert trained.count == 2 * steps
      assert np.abs(trained.update).max() > 1e-3

  def test_epochs_and_rounds_have_orders_of_their_own(self):
    clients, client = tiny.clients_config(1, epochs=2), _client(10)
    first = mlp_reference.batches_of(clients, client, 1)
    second = mlp_reference.batches_of(clients, client, 2)
    orders = [
      np.concatenate([x for x, _ in epoch])
      for epoch in (first[:3], first[3:], second[:3], second[3:])
    ]
    for i, order in enumerate(orders):
      assert not any(np.array_equal(order, o) for o in orders[:i])

  def test_order_depends_on_the_seed_alone(self):
    clients, client = tiny.clients_config(1), _client(10)
    other = {**client, 'seed': client['seed'] + 1}
    batches = [
      np.concatenate([x for x, _ in mlp_reference.batches_of(clients, c, 1)])
      for c in (client, client, other)
    ]
    np.testing.assert_array_equal(batches[0], batches[1])
    assert not np.array_equal(batches[0], batches[2])

  def test_steps_go_on_where_the_last_round_stopped(self):
    clients, client = tiny.clients_config(1, steps=2), _client(10)
    batches = [
      batch
      for round_number in (1, 2, 3)
      for batch in mlp_reference.batches_of(clients, client, round_number)
    ]
    # Three rounds of two steps are two epochs of three batches.
    assert [len(y) for _, y in batches] == [4, 4, 2] * 2
    everything = sorted(map(tuple, client['x'].numpy().astype(np.float64)))
    for epoch in (batches[:3], batches[3:]):
      assert sorted(tuple(row) for x, _ in epoch for row in x) == everything

  def test_one_step_a_round_trains_on_one_batch(self):
    clients, client = tiny.clients_config(1, steps=1), _client(10)
    batches = mlp_reference.batches_of(clients, client, 2)
    update, _ = mlp_reference.train(_start(), batches, clients.optimizer)
    trained = _train(clients, client, round_number=2)
    assert len(batches) == 1 and trained.count == 1
    tiny.assert_close(trained.update, update, steps=1)


class TestIndependentBatches:
  CLIENTS = tiny.clients_config(1, steps=3, sampling='independent')

  def test_each_has_exactly_b_examples_and_none_twice(self):
    client = _client(10)
    for round_number in (1, 2, 3):
      batches = mlp_reference.batches_of(self.CLIENTS, client, round_number)
      assert [len(y) for _, y in batches] == [4, 4, 4]
      for x, _ in batches:
        assert len(set(map(tuple, x))) == 4

  def test_they_are_not_an_epochs(self):
    # Of ten examples three batches of four would leave none out but for
    # chance: drawn anew, six rounds of them would repeat some and miss some.
    client = _client(10)
    seen = [
      sorted(tuple(row) for x, _ in batches for row in x)
      for batches in (
        mlp_reference.batches_of(self.CLIENTS, client, n) for n in range(1, 7)
      )
    ]
    assert len(set(map(str, seen))) == 6
    assert any(len(set(rows)) < 10 for rows in seen)

  def test_every_example_is_as_likely(self):
    # 200 batches of 4 out of 10: 80 times each, give or take 5 x 6.9.
    client = _client(10)
    place = {tuple(row): i for i, row in enumerate(client['x'].numpy())}
    clients = dataclasses.replace(self.CLIENTS, steps=200)
    counts = np.zeros(10, int)
    for x, _ in mlp_reference.batches_of(clients, client, 1):
      for row in x.astype(np.float32):
        counts[place[tuple(row)]] += 1
    assert counts.sum() == 800
    assert counts.min() >= 45 and counts.max() <= 115

  def test_they_follow_the_seed_the_round_and_the_step(self):
    client = _client(10)
    other = {**client, 'seed': client['seed'] + 1}

    def drawn(client, round_number):
      batches = mlp_reference.batches_of(self.CLIENTS, client, round_number)
      return [str(x) for x, _ in batches]

    first = drawn(client, 1)
    assert drawn(client, 1) == first
    assert len({*first, *drawn(client, 2), *drawn(other, 1)}) == 9

  def test_equals_a_plain_loop(self):
    client = _client(10)
    batches = mlp_reference.batches_of(self.CLIENTS, client, 2)
    update, loss = mlp_reference.train(
      _start(), batches, self.CLIENTS.optimizer
    )
    trained = _train(self.CLIENTS, client, round_number=2)
    np.testing.assert_allclose(trained.update, update, rtol=0, atol=1e-6)
    np.testing.assert_allclose(trained.loss, loss, rtol=1e-5)

  def test_without_steps_there_are_as_many_as_in_the_epochs(self):
    clients = dataclasses.replace(self.CLIENTS, steps=None, epochs=2)
    assert _train(clients, _client(10)).count == 6

  @pytest.mark.parametrize('size', [1, 3])
  def test_a_client_with_fewer_takes_all(self, size):
    batches = mlp_reference.batches_of(self.CLIENTS, _client(size), 1)
    for x, _ in batches:
      assert len(set(map(tuple, x))) == len(x) == size

  @pytest.mark.parametrize('size', [1, 3, 4, 10])
  def test_padding_changes_nothing(self, size):
    plain = _train(self.CLIENTS, _client(size))
    padded = _train(self.CLIENTS, _client(size, batch_size=4), padded=True)
    for field in ('update', 'loss'):
      np.testing.assert_allclose(
        getattr(padded, field), getattr(plain, field), rtol=0, atol=1e-6
      )


def _poison(x, y, context):
  # The last real example changes; rows that pad lie behind it.
  real = tf.shape(y)[0]
  if context.num_examples is not None:
    real = context.num_examples
  last = tf.equal(tf.range(tf.shape(y)[0]), real - 1)
  return tf.where(last[:, tf.newaxis], -x, x), tf.where(last, 0, y)


HOOKS = {
  'none': None,
  'poison': Hooks(poison=_poison),
  'gradient': Hooks(gradient=lambda gradient, weights, context: -gradient),
  'project': Hooks(
    project=lambda weights, context: tf.clip_by_value(weights, -0.3, 0.3)
  ),
}


class TestNoExamples:
  @pytest.mark.parametrize('mode', ['epochs', 'steps'])
  @pytest.mark.parametrize('batch_size', [None, 4])
  def test_nothing_is_trained(self, mode, batch_size):
    clients = tiny.clients_config(1, **{mode: 2})
    for round_number in (1, 5):
      trained = _train(
        clients,
        _client(0, batch_size=batch_size),
        padded=batch_size is not None,
        round_number=round_number,
      )
      assert not np.any(trained.update)
      assert trained.count == 0 and trained.loss == 0


class TestPadding:
  @pytest.mark.parametrize('name', HOOKS)
  @pytest.mark.parametrize('mode', ['epochs', 'steps'])
  def test_changes_nothing(self, name, mode):
    clients = tiny.clients_config(1, **{mode: 4})
    plain = _train(clients, _client(10), hooks=HOOKS[name])
    padded = _train(
      clients,
      _client(10, batch_size=4),
      padded=True,
      hooks=HOOKS[name],
    )
    assert padded.count == plain.count
    for field in ('update', 'loss'):
      tiny.assert_close(
        getattr(padded, field), getattr(plain, field), steps=2 * plain.count
      )

  def test_order_does_not_depend_on_it(self):
    clients = tiny.clients_config(1)
    plain = mlp_reference.batches_of(clients, _client(10), 1)
    padded = mlp_reference.batches_of(
      clients, _client(10, batch_size=4), 1, padded=True
    )
    for (x, y), (padded_x, padded_y) in zip(plain, padded):
      np.testing.assert_array_equal(padded_x, x)
      np.testing.assert_array_equal(padded_y, y)


class TestHooks:
  @pytest.mark.parametrize('name', ['poison', 'gradient', 'project'])
  def test_each_changes_the_update(self, name):
    clients = tiny.clients_config(1)
    honest = _train(clients, _client()).update
    assert (
      np.abs(
        _train(clients, _client(), hooks=HOOKS[name]).update - honest
      ).max()
      > 1e-3
    )

  def test_gradient_hook_comes_before_the_optimiser(self):
    clients = tiny.clients_config(1, optimizer=OPTIMIZERS['adam'])
    batches = mlp_reference.batches_of(clients, _client(), 1)
    update, _ = mlp_reference.train(
      _start(), batches, clients.optimizer, flip=np.negative
    )
    trained = _train(clients, _client(), hooks=HOOKS['gradient'])
    tiny.assert_close(trained.update, update, steps=len(batches))

  def test_projection_holds_after_every_step(self):
    clients = tiny.clients_config(1, epochs=5)
    trained = _train(clients, _client(), hooks=HOOKS['project'])
    assert np.abs(_start()).max() > 0.3
    assert np.abs(_start() + trained.update).max() <= 0.3 + 1e-6

  def test_each_batch_has_a_seed_of_its_own(self):
    clients, client = tiny.clients_config(1), _client(10)
    seen = []

    def record(x, y, context):
      seen.append(tuple(context.seed.numpy()))
      return x, y

    one = local_training.build_local_training(
      tiny.model(), clients, padded=False
    )
    weights = tf.constant(_start())
    one(
      weights,
      Shard(client['x'], client['y'], client['count']),
      client['seed'],
      tf.constant(1),
      tf.zeros([0, len(_start())]),
      tf.constant(0),
      Hooks(poison=record),
      AttackContext(weights=weights),
    )
    assert len(set(seen)) == len(seen) == 6


class TestParts:
  """Weight tensors that stay apart: the same numbers, entry by entry."""

  @pytest.mark.parametrize('name', OPTIMIZERS)
  @pytest.mark.parametrize('is_poisoned', [False, True])
  def test_they_train_to_the_same_bits(self, monkeypatch, name, is_poisoned):
    clients = tiny.clients_config(1, optimizer=OPTIMIZERS[name], epochs=3)
    hooks = Hooks(poison=_poison) if is_poisoned else None
    whole = _train(clients, _client(), hooks=hooks)
    seen = _watch_parts(monkeypatch)
    parts = _train(clients, _client(), hooks=hooks)
    assert seen
    for field in dataclasses.fields(whole):
      np.testing.assert_array_equal(
        getattr(parts, field.name), getattr(whole, field.name)
      )

  def test_hooks_on_vectors_get_vectors(self, monkeypatch):
    seen, shapes = _watch_parts(monkeypatch), []

    def halved(gradient, weights, context):
      shapes.append((gradient.shape.rank, weights.shape.rank))
      return 0.5 * gradient

    _train(tiny.clients_config(1), _client(), hooks=Hooks(gradient=halved))
    assert shapes and set(shapes) == {(1, 1)}
    assert not seen

  def test_sizes_are_those_of_the_tensors_in_order(self, monkeypatch):
    model = tiny.model()
    assert split_weights.sizes_of(model.layout) is None  # Too small.
    monkeypatch.setattr(split_weights, 'LEAST_ENTRIES', 1)
    sizes = split_weights.sizes_of(model.layout)
    tensors = model.tensors(tf.zeros([model.num_weights]))
    assert sizes == tuple(int(tf.size(tensor)) for tensor in tensors)

  def test_statistics_stay_in_the_vector(self, monkeypatch):
    monkeypatch.setattr(split_weights, 'LEAST_ENTRIES', 1)
    layers = [
      tf.keras.layers.Dense(3),
      tf.keras.layers.BatchNormalization(),
      tf.keras.layers.Dense(2),
    ]
    model = flat.FlatModel(
      tf.keras.Sequential([tf.keras.layers.Input((4,)), *layers])
    )
    assert split_weights.sizes_of(model.layout) is None

  def test_a_weight_that_the_loss_ignores_stays(self):
    rule = optimizers.build_optimizer(schema.OptimizerConfig(learning_rate=0.5))
    weights, slots = split_weights.by_parts(rule, (2, 1)).step(
      (tf.constant([1.0, 2.0]), tf.constant([3.0])),
      (),
      (tf.constant([2.0, 2.0]), None),
      tf.constant(0.5),
      tf.constant(1),
    )
    np.testing.assert_array_equal(tf.concat(weights, axis=0), [0, 1, 3])
    assert slots == ()


def _watch_parts(monkeypatch):
  """Lets parts pay, and returns the list of how many a gradient came in."""
  seen = []
  differentiate = flat.FlatModel.differentiate

  def watched(self, weights, *args, **kwargs):
    if isinstance(weights, tuple):
      seen.append(len(weights))
    return differentiate(self, weights, *args, **kwargs)

  monkeypatch.setattr(split_weights, 'LEAST_ENTRIES', 1)
  monkeypatch.setattr(flat.FlatModel, 'differentiate', watched)
  return seen


def test_slots_go_on_from_those_given():
  clients = tiny.clients_config(1, optimizer=OPTIMIZERS['adam'], epochs=1)
  longer = dataclasses.replace(clients, epochs=2)
  once, twice = _train(clients, _client()), _train(longer, _client())
  assert twice.slots.shape == (2, len(_start()))
  assert (once.count, twice.count) == (3, 6)
  assert not np.allclose(once.slots, twice.slots)
