"""Which examples a client trains on, batch by batch."""

import dataclasses

import local_runs as local
import mlp_reference
import numpy as np
import pytest
import tiny_federation as tiny


class TestBatches:
  def test_an_epoch_visits_every_example_once(self):
    clients, client = tiny.clients_config(1, epochs=2), local.client_of(10)
    batches = mlp_reference.batches_of(clients, client, 1)
    assert [len(y) for _, y in batches] == [4, 4, 2] * 2
    for epoch in (batches[:3], batches[3:]):
      rows = np.concatenate([x for x, _ in epoch])
      assert sorted(map(tuple, rows)) == sorted(
        map(tuple, client['x'].numpy().astype(np.float64))
      )

  def test_labels_stay_with_their_examples(self):
    clients, client = tiny.clients_config(1), local.client_of(10)
    label = {tuple(x): y for x, y in zip(client['x'].numpy(), client['y'])}
    for x, y in mlp_reference.batches_of(clients, client, 1):
      assert [label[tuple(row.astype(np.float32))] for row in x] == list(y)

  @pytest.mark.parametrize(
    'size, steps', [(1, 1), (3, 1), (4, 1), (5, 2), (10, 3)]
  )
  def test_short_batches_are_steps(self, size, steps):
    clients = tiny.clients_config(1, epochs=2)
    for padded in (False, True):
      client = local.client_of(size, batch_size=4 if padded else None)
      trained = local.train(clients, client, padded=padded)
      assert trained.count == 2 * steps
      assert np.abs(trained.update).max() > 1e-3

  def test_epochs_and_rounds_have_orders_of_their_own(self):
    clients, client = tiny.clients_config(1, epochs=2), local.client_of(10)
    first = mlp_reference.batches_of(clients, client, 1)
    second = mlp_reference.batches_of(clients, client, 2)
    orders = [
      np.concatenate([x for x, _ in epoch])
      for epoch in (first[:3], first[3:], second[:3], second[3:])
    ]
    for i, order in enumerate(orders):
      assert not any(np.array_equal(order, o) for o in orders[:i])

  def test_order_depends_on_the_seed_alone(self):
    clients, client = tiny.clients_config(1), local.client_of(10)
    other = {**client, 'seed': client['seed'] + 1}
    batches = [
      np.concatenate([x for x, _ in mlp_reference.batches_of(clients, c, 1)])
      for c in (client, client, other)
    ]
    np.testing.assert_array_equal(batches[0], batches[1])
    assert not np.array_equal(batches[0], batches[2])

  def test_steps_go_on_where_the_last_round_stopped(self):
    clients, client = tiny.clients_config(1, steps=2), local.client_of(10)
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
    clients, client = tiny.clients_config(1, steps=1), local.client_of(10)
    batches = mlp_reference.batches_of(clients, client, 2)
    update, _ = mlp_reference.train(local.start(), batches, clients.optimizer)
    trained = local.train(clients, client, round_number=2)
    assert len(batches) == 1 and trained.count == 1
    tiny.assert_close(trained.update, update, steps=1)


class TestIndependentBatches:
  CLIENTS = tiny.clients_config(1, steps=3, sampling='independent')

  def test_each_has_exactly_b_examples_and_none_twice(self):
    client = local.client_of(10)
    for round_number in (1, 2, 3):
      batches = mlp_reference.batches_of(self.CLIENTS, client, round_number)
      assert [len(y) for _, y in batches] == [4, 4, 4]
      for x, _ in batches:
        assert len(set(map(tuple, x))) == 4

  def test_they_are_not_an_epochs(self):
    # Of ten examples three batches of four would leave none out but for
    # chance: drawn anew, six rounds of them would repeat some and miss some.
    client = local.client_of(10)
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
    client = local.client_of(10)
    place = {tuple(row): i for i, row in enumerate(client['x'].numpy())}
    clients = dataclasses.replace(self.CLIENTS, steps=200)
    counts = np.zeros(10, int)
    for x, _ in mlp_reference.batches_of(clients, client, 1):
      for row in x.astype(np.float32):
        counts[place[tuple(row)]] += 1
    assert counts.sum() == 800
    assert counts.min() >= 45 and counts.max() <= 115

  def test_they_follow_the_seed_the_round_and_the_step(self):
    client = local.client_of(10)
    other = {**client, 'seed': client['seed'] + 1}

    def drawn(client, round_number):
      batches = mlp_reference.batches_of(self.CLIENTS, client, round_number)
      return [str(x) for x, _ in batches]

    first = drawn(client, 1)
    assert drawn(client, 1) == first
    assert len({*first, *drawn(client, 2), *drawn(other, 1)}) == 9

  def test_equals_a_plain_loop(self):
    client = local.client_of(10)
    batches = mlp_reference.batches_of(self.CLIENTS, client, 2)
    update, loss = mlp_reference.train(
      local.start(), batches, self.CLIENTS.optimizer
    )
    trained = local.train(self.CLIENTS, client, round_number=2)
    np.testing.assert_allclose(trained.update, update, rtol=0, atol=1e-6)
    np.testing.assert_allclose(trained.loss, loss, rtol=1e-5)

  def test_without_steps_there_are_as_many_as_in_the_epochs(self):
    clients = dataclasses.replace(self.CLIENTS, steps=None, epochs=2)
    assert local.train(clients, local.client_of(10)).count == 6

  @pytest.mark.parametrize('size', [1, 3])
  def test_a_client_with_fewer_takes_all(self, size):
    batches = mlp_reference.batches_of(self.CLIENTS, local.client_of(size), 1)
    for x, _ in batches:
      assert len(set(map(tuple, x))) == len(x) == size

  @pytest.mark.parametrize('size', [1, 3, 4, 10])
  def test_padding_changes_nothing(self, size):
    plain = local.train(self.CLIENTS, local.client_of(size))
    padded = local.train(
      self.CLIENTS, local.client_of(size, batch_size=4), padded=True
    )
    for field in ('update', 'loss'):
      np.testing.assert_allclose(
        getattr(padded, field), getattr(plain, field), rtol=0, atol=1e-6
      )
