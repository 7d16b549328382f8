"""The momenta of clients' updates, which the server keeps."""

import numpy as np
import server_rounds as server
import tensorflow as tf
import tiny_federation as tiny

from flsec.attacks.attack import Attack
from flsec.federated import state


class TestMomentum:
  def _plan(self, **options):
    clients = tiny.clients_config(server.NUM_CLIENTS, momentum=0.8)
    return tiny.plan(rule=server.summing_rule(), clients=clients, **options)

  def test_is_a_running_mean_of_each_clients_updates(self):
    plan = self._plan()
    server_state, expected = (
      state.initial_state(plan),
      np.zeros([server.NUM_CLIENTS, 2]),
    )
    for rows in np.random.default_rng(0).normal(
      size=[3, server.NUM_CLIENTS, 2]
    ):
      expected = 0.8 * expected + 0.2 * rows
      server_state, _ = server.step(
        plan, server.stack_of(plan, rows), server_state
      )
      np.testing.assert_allclose(
        server_state['momenta'][:, :2], expected, atol=1e-6
      )

  def test_clients_left_out_keep_theirs(self):
    plan = self._plan(num_participants=2)
    server_state = state.initial_state(plan)
    server_state['momenta'] += 1.0
    stack = server.stack_of(
      plan, [[10.0], [20.0]], client_id=tf.constant([1, 3])
    )
    new, metrics = server.step(plan, stack, server_state)
    np.testing.assert_allclose(
      new['momenta'][:, 0], [1, 2.8, 1, 4.8], rtol=1e-6
    )
    np.testing.assert_allclose(metrics['rule/largest'], 4.8, rtol=1e-6)

  def test_of_a_row_that_is_dropped_stays_as_it_was(self):
    plan = self._plan()
    server_state, _ = server.step(
      plan, server.stack_of(plan, [[10.0]] * server.NUM_CLIENTS)
    )
    bad = server.stack_of(plan, [[10.0], [np.nan], [np.inf], [10.0]])
    server_state, metrics = server.step(plan, bad, server_state)
    assert metrics['num_dropped'] == 2
    np.testing.assert_allclose(server_state['momenta'][:, 0], [3.6, 2, 2, 3.6])
    server_state, metrics = server.step(
      plan, server.stack_of(plan, [[10.0]] * server.NUM_CLIENTS), server_state
    )
    assert metrics['num_dropped'] == 0
    np.testing.assert_allclose(
      server_state['momenta'][:, 0], [4.88, 3.6, 3.6, 4.88]
    )

  def test_of_a_client_without_examples_stays_as_it_was(self):
    plan = self._plan(num_participants=2)
    server_state = state.initial_state(plan)
    server_state['momenta'] += 1.0
    stack = server.stack_of(
      plan, [[0.0], [20.0]], client_id=tf.constant([1, 3])
    )
    stack['weight'] = tf.constant([0.0, 1])
    new, _ = server.step(plan, stack, server_state)
    np.testing.assert_allclose(new['momenta'][:, 0], [1, 1, 1, 4.8])

  def test_the_adversary_sees_rows_with_momentum(self):
    def craft(own, benign, context):
      return own * 100

    attack = tiny.attack_plan(Attack('x', craft=craft), [True] + [False] * 3)
    plan = self._plan(attack=attack)
    stack = server.stack_of(
      plan, [[1.0]] * server.NUM_CLIENTS, rank=tf.constant([0, -1, -1, -1])
    )
    new, metrics = server.step(plan, stack)
    np.testing.assert_allclose(metrics['norm'], [20, 0.2, 0.2, 0.2], rtol=1e-6)
    # What an attacker crafts is no update of its own to remember.
    np.testing.assert_allclose(new['momenta'][0, 0], 0.2, rtol=1e-6)
