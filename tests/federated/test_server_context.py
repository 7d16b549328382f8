"""What a rule is given of the server's own."""

import mlp_reference
import numpy as np
import server_rounds as server
import tensorflow as tf
import tiny_federation as tiny

from flsec.aggregators.rule import Rule
from flsec.config import schema
from flsec.data.dataset import Split
from flsec.federated import state
from flsec.federated.root_training import RootTraining


class TestContext:
  def _seen(self, **options):
    seen = {}
    plan = tiny.plan(rule=server.summing_rule(seen), **options)
    server.step(plan, server.stack_of(plan, [[1.0]] * server.NUM_CLIENTS))
    return plan, seen

  def test_holds_what_the_server_owns(self):
    split = Split(np.ones([3, tiny.FEATURES], np.float32), np.zeros(3, int))
    plan, seen = self._seen(root=split)
    assert seen['model'] is plan.model and seen['layout'] is plan.model.layout
    assert seen['seed'].shape == [2] and seen['seed'].dtype == tf.int32
    assert seen['root'][0].shape == [3, tiny.FEATURES]
    assert seen['validation'] is None

  def test_trains_on_all_root_examples_whatever_clients_do(self):
    # 10 examples and the clients' batches of 4: going on where the last round
    # stopped, their third batch would hold 2.
    federated = tiny.federation([10])

    def next_state(rule_state, updates, weights, context):
      update = context.train(context.weights, *context.root, context.seed)
      return (
        rule_state,
        0 * update,
        {
          'selected': tf.zeros([server.NUM_CLIENTS]),
          'root_norm': tf.norm(update),
          'root_first': update[0],
        },
      )

    plan = tiny.plan(
      rule=Rule('root', next_state),
      clients=tiny.clients_config(server.NUM_CLIENTS, steps=1),
      root=Split(federated.x, federated.y),
      root_training=RootTraining(schema.OptimizerConfig(learning_rate=0.5)),
    )
    _, gradient = mlp_reference.loss_and_gradient(
      plan.initial_weights, federated.x, federated.y
    )
    server_state = None
    for _ in range(4):
      server_state, metrics = server.step(
        plan, server.stack_of(plan, [[1.0]] * server.NUM_CLIENTS), server_state
      )
      np.testing.assert_allclose(
        metrics['rule/root_norm'], 0.5 * np.linalg.norm(gradient), rtol=1e-5
      )
      np.testing.assert_allclose(
        metrics['rule/root_first'], -0.5 * gradient[0], rtol=1e-4
      )

  def test_draws_change_with_the_round(self):
    def next_state(rule_state, updates, weights, context):
      noise = tf.random.stateless_uniform(updates.shape[1:], context.seed)
      return rule_state, noise, {'selected': tf.zeros([server.NUM_CLIENTS])}

    plan = tiny.plan(rule=Rule('noise', next_state))
    stack, server_state = (
      server.stack_of(plan, [[1.0]] * server.NUM_CLIENTS),
      state.initial_state(plan),
    )
    first, _ = server.step(plan, stack, server_state)
    again, _ = server.step(plan, stack, server_state)
    second, _ = server.step(plan, stack, first)
    np.testing.assert_array_equal(first['weights'], again['weights'])
    moves = (
      first['weights'] - server_state['weights'],
      second['weights'] - (first['weights']),
    )
    assert np.abs(moves[0] - moves[1]).max() > 0.1
