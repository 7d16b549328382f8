"""Local training against a plain loop, and what it must not depend on."""

import dataclasses

import local_runs as local
import mlp_reference
import numpy as np
import pytest
import tensorflow as tf
import tiny_federation as tiny

from flsec.attacks.attack import AttackContext
from flsec.federated import local_training
from flsec.federated.batches import Shard
from flsec.federated.local_training import Hooks


class TestReference:
  @pytest.mark.parametrize('name', local.OPTIMIZERS)
  def test_equals_a_plain_loop(self, name):
    clients = tiny.clients_config(1, optimizer=local.OPTIMIZERS[name], epochs=3)
    client = local.client_of()
    batches = mlp_reference.batches_of(clients, client, 1)
    update, loss = mlp_reference.train(
      local.start(), batches, clients.optimizer
    )
    trained = local.train(clients, client)
    assert np.abs(update).max() > 1e-2
    steps = len(batches)
    tiny.assert_close(trained.update, update, steps=steps)
    tiny.assert_close(trained.loss, loss, steps=steps)

  def test_gradient_is_that_of_the_model(self):
    fed = tiny.federation([6])
    loss, gradient = mlp_reference.loss_and_gradient(
      local.start(), fed.x, fed.y
    )
    found = tiny.model().loss_and_gradient(
      tf.constant(local.start()), tf.constant(fed.x), tf.constant(fed.y)
    )
    tiny.assert_close(found[0], loss, steps=1)
    tiny.assert_close(found[1], gradient, steps=1)


class TestNoExamples:
  @pytest.mark.parametrize('mode', ['epochs', 'steps'])
  @pytest.mark.parametrize('batch_size', [None, 4])
  def test_nothing_is_trained(self, mode, batch_size):
    clients = tiny.clients_config(1, **{mode: 2})
    for round_number in (1, 5):
      trained = local.train(
        clients,
        local.client_of(0, batch_size=batch_size),
        padded=batch_size is not None,
        round_number=round_number,
      )
      assert not np.any(trained.update)
      assert trained.count == 0 and trained.loss == 0


class TestPadding:
  @pytest.mark.parametrize('name', local.HOOKS)
  @pytest.mark.parametrize('mode', ['epochs', 'steps'])
  def test_changes_nothing(self, name, mode):
    clients = tiny.clients_config(1, **{mode: 4})
    plain = local.train(clients, local.client_of(10), hooks=local.HOOKS[name])
    padded = local.train(
      clients,
      local.client_of(10, batch_size=4),
      padded=True,
      hooks=local.HOOKS[name],
    )
    assert padded.count == plain.count
    for field in ('update', 'loss'):
      tiny.assert_close(
        getattr(padded, field), getattr(plain, field), steps=2 * plain.count
      )

  def test_order_does_not_depend_on_it(self):
    clients = tiny.clients_config(1)
    plain = mlp_reference.batches_of(clients, local.client_of(10), 1)
    padded = mlp_reference.batches_of(
      clients, local.client_of(10, batch_size=4), 1, padded=True
    )
    for (x, y), (padded_x, padded_y) in zip(plain, padded):
      np.testing.assert_array_equal(padded_x, x)
      np.testing.assert_array_equal(padded_y, y)


class TestHooks:
  @pytest.mark.parametrize('name', ['poison', 'gradient', 'project'])
  def test_each_changes_the_update(self, name):
    clients = tiny.clients_config(1)
    honest = local.train(clients, local.client_of()).update
    assert (
      np.abs(
        local.train(clients, local.client_of(), hooks=local.HOOKS[name]).update
        - honest
      ).max()
      > 1e-3
    )

  def test_gradient_hook_comes_before_the_optimiser(self):
    clients = tiny.clients_config(1, optimizer=local.OPTIMIZERS['adam'])
    batches = mlp_reference.batches_of(clients, local.client_of(), 1)
    update, _ = mlp_reference.train(
      local.start(), batches, clients.optimizer, flip=np.negative
    )
    trained = local.train(
      clients, local.client_of(), hooks=local.HOOKS['gradient']
    )
    tiny.assert_close(trained.update, update, steps=len(batches))

  def test_projection_holds_after_every_step(self):
    clients = tiny.clients_config(1, epochs=5)
    trained = local.train(
      clients, local.client_of(), hooks=local.HOOKS['project']
    )
    assert np.abs(local.start()).max() > 0.3
    assert np.abs(local.start() + trained.update).max() <= 0.3 + 1e-6

  def test_each_batch_has_a_seed_of_its_own(self):
    clients, client = tiny.clients_config(1), local.client_of(10)
    seen = []

    def record(x, y, context):
      seen.append(tuple(context.seed.numpy()))
      return x, y

    one = local_training.build_local_training(
      tiny.model(), clients, padded=False
    )
    weights = tf.constant(local.start())
    one(
      weights,
      Shard(client['x'], client['y'], client['count']),
      client['seed'],
      tf.constant(1),
      tf.zeros([0, len(local.start())]),
      tf.constant(0),
      Hooks(poison=record),
      AttackContext(weights=weights),
    )
    assert len(set(seen)) == len(seen) == 6


def test_slots_go_on_from_those_given():
  clients = tiny.clients_config(1, optimizer=local.OPTIMIZERS['adam'], epochs=1)
  longer = dataclasses.replace(clients, epochs=2)
  once, twice = (
    local.train(clients, local.client_of()),
    local.train(longer, local.client_of()),
  )
  assert twice.slots.shape == (2, len(local.start()))
  assert (once.count, twice.count) == (3, 6)
  assert not np.allclose(once.slots, twice.slots)
