"""The server's part of a round, from stacked results to the next state."""

import dataclasses

import numpy as np
import server_rounds as server
import tensorflow as tf
import tiny_federation as tiny

from flsec import pruning
from flsec.aggregators.rule import Rule
from flsec.attacks.attack import Attack
from flsec.config.schedule import ScheduleConfig
from flsec.federated import stacking, state


def test_weights_move_by_the_rate_times_the_rules_update():
  plan = tiny.plan(rule=server.summing_rule(), server_learning_rate=0.5)
  new, metrics = server.step(
    plan, server.stack_of(plan, [[1, 2], [3, 4], [0, 0], [0, 2]])
  )
  moved = new['weights'] - plan.initial_weights
  np.testing.assert_allclose(moved[:2], [2, 4], atol=1e-6)
  assert not moved[2:].any()
  assert new['round'] == 1 and new['rule']['leaf_0'] == 1
  np.testing.assert_allclose(metrics['update_norm'], np.hypot(4, 8), rtol=1e-6)
  assert metrics['rule/largest'] == 4


def test_the_rate_falls_by_the_servers_schedule_and_the_update_does_not():
  plan = tiny.plan(
    rule=server.summing_rule(),
    server_learning_rate=0.5,
    server_schedule=ScheduleConfig('steps', (1,), 0.1),
  )
  new, metrics = server.step(
    plan, server.stack_of(plan, [[1, 2], [3, 4], [0, 0], [0, 2]])
  )
  moved = new['weights'] - plan.initial_weights
  np.testing.assert_allclose(moved[:2], [0.2, 0.4], atol=1e-6)
  np.testing.assert_allclose(metrics['update_norm'], np.hypot(4, 8), rtol=1e-6)


def test_rows_are_given_by_client_id():
  plan = tiny.plan(rule='median')
  order = [2, 0, 3, 1]
  stack = server.stack_of(
    plan, np.asarray(order)[:, np.newaxis], client_id=tf.constant(order)
  )
  stack['weight'] = tf.constant(order, tf.float32) * 10
  _, metrics = server.step(plan, stack)
  np.testing.assert_array_equal(metrics['client_id'], range(server.NUM_CLIENTS))
  np.testing.assert_array_equal(metrics['norm'], range(server.NUM_CLIENTS))
  np.testing.assert_array_equal(
    metrics['weight'], np.arange(server.NUM_CLIENTS) * 10
  )


def test_rows_that_are_not_finite_are_dropped_and_counted():
  plan = tiny.plan(rule='median')
  rows = [[1.0], [np.nan], [3.0], [np.inf]]
  new, metrics = server.step(plan, server.stack_of(plan, rows))
  assert metrics['num_dropped'] == 2
  assert np.isfinite(new['weights']).all()
  np.testing.assert_allclose(
    new['weights'][0] - plan.initial_weights[0], 2, atol=1e-6
  )
  np.testing.assert_array_equal(metrics['selected'][[1, 3]], 0)
  np.testing.assert_array_equal(metrics['is_finite'], [1, 0, 1, 0])


def test_rows_of_weight_zero_take_no_part():
  # Two clients without an example, whose updates are 0: the median of all four
  # rows would be 1.
  plan = tiny.plan(rule='median')
  stack = server.stack_of(plan, [[0.0], [4.0], [2.0], [0.0]])
  stack['weight'] = tf.constant([0.0, 3, 5, 0])
  new, metrics = server.step(plan, stack)
  np.testing.assert_allclose(
    new['weights'][0] - plan.initial_weights[0], 3, atol=1e-6
  )
  assert metrics['num_dropped'] == 0
  assert (metrics['selected'] > 0).tolist() == [False, True, True, False]


def test_rules_are_told_whose_rows_they_get():
  seen = []

  def next_state(rule_state, updates, weights, context):
    seen.append(context.client_ids)
    ids = tf.reduce_sum(10**context.client_ids)
    return rule_state, updates[0], {'selected': weights, 'ids': ids}

  plan = tiny.plan(rule=Rule('ids', next_state), num_participants=3)
  stack = server.stack_of(
    plan, [[1.0], [2.0], [3.0]], client_id=tf.constant([3, 0, 1])
  )
  assert server.step(plan, stack)[1]['rule/ids'] == 1011
  stack = server.stack_of(plan, [[1.0], [2.0], [np.nan]])
  stack['client_id'] = tf.constant([3, 0, 1])
  assert server.step(plan, stack)[1]['rule/ids'] == 1001


def test_norms_of_far_rows_are_right():
  attack = Attack('x', craft=lambda own, benign, context: own * 1e20)
  planned = tiny.attack_plan(attack, [True] + [False] * 3)
  plan = tiny.plan(rule='median', attack=planned)
  stack = server.stack_of(
    plan, [[3.0, 4.0]] * server.NUM_CLIENTS, rank=tf.constant([0, -1, -1, -1])
  )
  _, metrics = server.step(plan, stack)
  np.testing.assert_allclose(metrics['norm'], [5e20, 5, 5, 5], rtol=1e-6)
  assert metrics['is_finite'].all()


def test_previous_update_is_the_rules():
  attack = Attack('x', craft=lambda own, benign, context: own)
  planned = tiny.attack_plan(attack, [True] + [False] * 3)
  plan = tiny.plan(
    rule=server.summing_rule(), attack=planned, server_learning_rate=0.5
  )
  stack = server.stack_of(
    plan, [[1.0]] * server.NUM_CLIENTS, rank=tf.constant([0, -1, -1, -1])
  )
  new, _ = server.step(plan, stack)
  assert new['previous_update'][0] == server.NUM_CLIENTS


class TestPruning:
  def test_is_the_last_thing_before_the_next_broadcast(self):
    plan = tiny.plan(rule=server.summing_rule(), pruner=pruning.build('flap'))
    new, metrics = server.step(
      plan, server.stack_of(plan, np.ones([server.NUM_CLIENTS, plan.dimension]))
    )
    assert metrics['pruned']
    gone = new['mask']
    assert gone.any() and not gone.all()
    assert not new['weights'][gone].any()
    units = metrics['pruning/hidden/units']
    assert (units >= 0).sum() == 1

  def test_waits_for_its_round(self):
    pruner = pruning.build('flap', start_round=2, every=2)
    plan = tiny.plan(rule=server.summing_rule(), pruner=pruner)
    server_state, pruned = state.initial_state(plan), []
    for _ in range(4):
      server_state, metrics = server.step(
        plan, server.stack_of(plan, [[1.0]] * server.NUM_CLIENTS), server_state
      )
      pruned.append(bool(metrics['pruned']))
      assert (metrics['pruning/hidden/units'] >= 0).any() == pruned[-1]
    assert pruned == [False, True, False, True]

  def test_without_a_pruner_nothing_is_pruned(self):
    plan = tiny.plan(rule=server.summing_rule())
    _, metrics = server.step(
      plan, server.stack_of(plan, [[1.0]] * server.NUM_CLIENTS)
    )
    assert not metrics['pruned']
    assert not any(name.startswith('pruning/') for name in metrics)


class TestStreamed:
  def _stack(self, plan, total, weights, norms):
    stack = server.stack_of(plan, [[0.0]] * len(weights))
    del stack['updates']
    return {
      **stack,
      'weight': tf.constant(weights),
      'norm': tf.constant(norms),
      'is_finite': tf.constant(np.isfinite(norms)),
      'sum': tf.one_hot(0, plan.dimension) * (total * stacking.SUM_SCALE),
      'sum_weight': tf.constant(
        float(sum(w for w, n in zip(weights, norms) if np.isfinite(n)))
      ),
    }

  def test_divides_by_the_weights_that_count(self):
    plan = tiny.plan(num_participants=3)
    stack = self._stack(plan, 12.0, [1.0, 3.0, 4.0], [1.0, np.nan, 2.0])
    new, metrics = server.step(plan, stack)
    moved = new['weights'] - plan.initial_weights
    np.testing.assert_allclose(moved[0], 12 / 5, rtol=1e-5)
    np.testing.assert_allclose(metrics['selected'], [0.2, 0, 0.8], rtol=1e-6)
    assert metrics['num_dropped'] == 1
    assert metrics['rule/too_few_clients'] == 0

  def test_no_client_left_leaves_the_weights(self):
    plan = tiny.plan(num_participants=2)
    stack = self._stack(plan, 0.0, [1.0, 3.0], [np.nan, np.inf])
    new, metrics = server.step(plan, stack)
    np.testing.assert_array_equal(new['weights'], plan.initial_weights)
    assert metrics['num_dropped'] == 2
    assert metrics['rule/too_few_clients'] == 1

  def test_clients_without_examples_are_too_few(self):
    plan = tiny.plan(num_participants=2)
    _, metrics = server.step(
      plan, self._stack(plan, 0.0, [0.0, 0.0], [1.0, 1.0])
    )
    assert metrics['num_dropped'] == 0
    assert metrics['rule/too_few_clients'] == 1


def test_stages_are_timed():
  plan = tiny.plan(rule=server.summing_rule())
  _, metrics = server.step(
    plan, server.stack_of(plan, [[1.0]] * server.NUM_CLIENTS)
  )
  stages = [name for name in metrics if name.startswith('seconds/')]
  assert stages == ['seconds/attack', 'seconds/pruning', 'seconds/rule']
  assert all(metrics[name] >= 0 for name in stages)


def test_other_plans_are_not_touched():
  plan = tiny.plan(rule=server.summing_rule())
  before = state.initial_state(plan)
  copy = dataclasses.asdict(plan)['initial_weights'].copy()
  server.step(plan, server.stack_of(plan, [[1.0]] * server.NUM_CLIENTS), before)
  np.testing.assert_array_equal(before['weights'], copy)
  assert before['round'].numpy() == 0
