"""The server's part of a round, from stacked results to the next state."""

import dataclasses

import mlp_reference
import numpy as np
import tensorflow as tf
import tiny_federation as tiny

from flsec import aggregators, pruning
from flsec.aggregators.rule import Rule
from flsec.attacks.attack import Attack
from flsec.config import schema
from flsec.config.schedule import ScheduleConfig
from flsec.data.dataset import Split
from flsec.federated import server_step, stacking, state
from flsec.federated.root_training import RootTraining

_N = 4


def _stack(plan, rows, **changes):
  rows = np.asarray(rows, np.float32)
  updates = np.zeros([len(rows), plan.dimension], np.float32)
  updates[:, : rows.shape[1]] = rows
  count = len(rows)
  return {
    'client_id': tf.range(count),
    'rank': tf.constant([-1] * count),
    'weight': tf.ones([count]),
    'loss': tf.range(count, dtype=tf.float32),
    'norm': tf.norm(updates, axis=1),
    'is_finite': tf.reduce_all(tf.math.is_finite(updates), axis=1),
    'updates': tf.constant(updates),
    **changes,
  }


def _step(plan, stack, server_state=None):
  step = tf.function(server_step.build_server_step(plan), autograph=False)
  server_state = server_state or state.initial_state(plan)
  return tf.nest.map_structure(np.asarray, step(server_state, stack))


def _summing_rule(seen=None):
  """Adds up all rows, and takes notes of what it is given."""

  def next_state(rule_state, updates, weights, context):
    if seen is not None:
      seen.update(vars(context))
    total = tf.reduce_sum(updates, axis=0)
    return (
      rule_state + 1,
      total,
      {
        'selected': tf.ones([tf.shape(updates)[0]]),
        'largest': tf.reduce_max(updates),
      },
    )

  return Rule('summing', next_state, initialize=lambda d: tf.constant(0))


def test_weights_move_by_the_rate_times_the_rules_update():
  plan = tiny.plan(rule=_summing_rule(), server_learning_rate=0.5)
  new, metrics = _step(plan, _stack(plan, [[1, 2], [3, 4], [0, 0], [0, 2]]))
  moved = new['weights'] - plan.initial_weights
  np.testing.assert_allclose(moved[:2], [2, 4], atol=1e-6)
  assert not moved[2:].any()
  assert new['round'] == 1 and new['rule']['leaf_0'] == 1
  np.testing.assert_allclose(metrics['update_norm'], np.hypot(4, 8), rtol=1e-6)
  assert metrics['rule/largest'] == 4


def test_the_rate_falls_by_the_servers_schedule_and_the_update_does_not():
  plan = tiny.plan(
    rule=_summing_rule(),
    server_learning_rate=0.5,
    server_schedule=ScheduleConfig('steps', (1,), 0.1),
  )
  new, metrics = _step(plan, _stack(plan, [[1, 2], [3, 4], [0, 0], [0, 2]]))
  moved = new['weights'] - plan.initial_weights
  np.testing.assert_allclose(moved[:2], [0.2, 0.4], atol=1e-6)
  np.testing.assert_allclose(metrics['update_norm'], np.hypot(4, 8), rtol=1e-6)


def test_rows_are_given_by_client_id():
  plan = tiny.plan(rule='median')
  order = [2, 0, 3, 1]
  stack = _stack(
    plan, np.asarray(order)[:, np.newaxis], client_id=tf.constant(order)
  )
  stack['weight'] = tf.constant(order, tf.float32) * 10
  _, metrics = _step(plan, stack)
  np.testing.assert_array_equal(metrics['client_id'], range(_N))
  np.testing.assert_array_equal(metrics['norm'], range(_N))
  np.testing.assert_array_equal(metrics['weight'], np.arange(_N) * 10)


def test_rows_that_are_not_finite_are_dropped_and_counted():
  plan = tiny.plan(rule='median')
  rows = [[1.0], [np.nan], [3.0], [np.inf]]
  new, metrics = _step(plan, _stack(plan, rows))
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
  stack = _stack(plan, [[0.0], [4.0], [2.0], [0.0]])
  stack['weight'] = tf.constant([0.0, 3, 5, 0])
  new, metrics = _step(plan, stack)
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
  stack = _stack(plan, [[1.0], [2.0], [3.0]], client_id=tf.constant([3, 0, 1]))
  assert _step(plan, stack)[1]['rule/ids'] == 1011
  stack = _stack(plan, [[1.0], [2.0], [np.nan]])
  stack['client_id'] = tf.constant([3, 0, 1])
  assert _step(plan, stack)[1]['rule/ids'] == 1001


def test_norms_of_far_rows_are_right():
  attack = Attack('x', craft=lambda own, benign, context: own * 1e20)
  planned = tiny.attack_plan(attack, [True] + [False] * 3)
  plan = tiny.plan(rule='median', attack=planned)
  stack = _stack(plan, [[3.0, 4.0]] * _N, rank=tf.constant([0, -1, -1, -1]))
  _, metrics = _step(plan, stack)
  np.testing.assert_allclose(metrics['norm'], [5e20, 5, 5, 5], rtol=1e-6)
  assert metrics['is_finite'].all()


class TestMomentum:
  def _plan(self, **options):
    clients = tiny.clients_config(_N, momentum=0.8)
    return tiny.plan(rule=_summing_rule(), clients=clients, **options)

  def test_is_a_running_mean_of_each_clients_updates(self):
    plan = self._plan()
    server_state, expected = state.initial_state(plan), np.zeros([_N, 2])
    for rows in np.random.default_rng(0).normal(size=[3, _N, 2]):
      expected = 0.8 * expected + 0.2 * rows
      server_state, _ = _step(plan, _stack(plan, rows), server_state)
      np.testing.assert_allclose(
        server_state['momenta'][:, :2], expected, atol=1e-6
      )

  def test_clients_left_out_keep_theirs(self):
    plan = self._plan(num_participants=2)
    server_state = state.initial_state(plan)
    server_state['momenta'] += 1.0
    stack = _stack(plan, [[10.0], [20.0]], client_id=tf.constant([1, 3]))
    new, metrics = _step(plan, stack, server_state)
    np.testing.assert_allclose(
      new['momenta'][:, 0], [1, 2.8, 1, 4.8], rtol=1e-6
    )
    np.testing.assert_allclose(metrics['rule/largest'], 4.8, rtol=1e-6)

  def test_of_a_row_that_is_dropped_stays_as_it_was(self):
    plan = self._plan()
    server_state, _ = _step(plan, _stack(plan, [[10.0]] * _N))
    bad = _stack(plan, [[10.0], [np.nan], [np.inf], [10.0]])
    server_state, metrics = _step(plan, bad, server_state)
    assert metrics['num_dropped'] == 2
    np.testing.assert_allclose(server_state['momenta'][:, 0], [3.6, 2, 2, 3.6])
    server_state, metrics = _step(
      plan, _stack(plan, [[10.0]] * _N), server_state
    )
    assert metrics['num_dropped'] == 0
    np.testing.assert_allclose(
      server_state['momenta'][:, 0], [4.88, 3.6, 3.6, 4.88]
    )

  def test_of_a_client_without_examples_stays_as_it_was(self):
    plan = self._plan(num_participants=2)
    server_state = state.initial_state(plan)
    server_state['momenta'] += 1.0
    stack = _stack(plan, [[0.0], [20.0]], client_id=tf.constant([1, 3]))
    stack['weight'] = tf.constant([0.0, 1])
    new, _ = _step(plan, stack, server_state)
    np.testing.assert_allclose(new['momenta'][:, 0], [1, 1, 1, 4.8])

  def test_the_adversary_sees_rows_with_momentum(self):
    def craft(own, benign, context):
      return own * 100

    attack = tiny.attack_plan(Attack('x', craft=craft), [True] + [False] * 3)
    plan = self._plan(attack=attack)
    stack = _stack(plan, [[1.0]] * _N, rank=tf.constant([0, -1, -1, -1]))
    new, metrics = _step(plan, stack)
    np.testing.assert_allclose(metrics['norm'], [20, 0.2, 0.2, 0.2], rtol=1e-6)
    # What an attacker crafts is no update of its own to remember.
    np.testing.assert_allclose(new['momenta'][0, 0], 0.2, rtol=1e-6)


def test_previous_update_is_the_rules():
  attack = Attack('x', craft=lambda own, benign, context: own)
  planned = tiny.attack_plan(attack, [True] + [False] * 3)
  plan = tiny.plan(
    rule=_summing_rule(), attack=planned, server_learning_rate=0.5
  )
  stack = _stack(plan, [[1.0]] * _N, rank=tf.constant([0, -1, -1, -1]))
  new, _ = _step(plan, stack)
  assert new['previous_update'][0] == _N


class TestPruning:
  def test_is_the_last_thing_before_the_next_broadcast(self):
    plan = tiny.plan(rule=_summing_rule(), pruner=pruning.build('flap'))
    new, metrics = _step(plan, _stack(plan, np.ones([_N, plan.dimension])))
    assert metrics['pruned']
    gone = new['mask']
    assert gone.any() and not gone.all()
    assert not new['weights'][gone].any()
    units = metrics['pruning/hidden/units']
    assert (units >= 0).sum() == 1

  def test_waits_for_its_round(self):
    pruner = pruning.build('flap', start_round=2, every=2)
    plan = tiny.plan(rule=_summing_rule(), pruner=pruner)
    server_state, pruned = state.initial_state(plan), []
    for _ in range(4):
      server_state, metrics = _step(
        plan, _stack(plan, [[1.0]] * _N), server_state
      )
      pruned.append(bool(metrics['pruned']))
      assert (metrics['pruning/hidden/units'] >= 0).any() == pruned[-1]
    assert pruned == [False, True, False, True]

  def test_without_a_pruner_nothing_is_pruned(self):
    plan = tiny.plan(rule=_summing_rule())
    _, metrics = _step(plan, _stack(plan, [[1.0]] * _N))
    assert not metrics['pruned']
    assert not any(name.startswith('pruning/') for name in metrics)


class TestContext:
  def _seen(self, **options):
    seen = {}
    plan = tiny.plan(rule=_summing_rule(seen), **options)
    _step(plan, _stack(plan, [[1.0]] * _N))
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
          'selected': tf.zeros([_N]),
          'root_norm': tf.norm(update),
          'root_first': update[0],
        },
      )

    plan = tiny.plan(
      rule=Rule('root', next_state),
      clients=tiny.clients_config(_N, steps=1),
      root=Split(federated.x, federated.y),
      root_training=RootTraining(schema.OptimizerConfig(learning_rate=0.5)),
    )
    _, gradient = mlp_reference.loss_and_gradient(
      plan.initial_weights, federated.x, federated.y
    )
    server_state = None
    for _ in range(4):
      server_state, metrics = _step(
        plan, _stack(plan, [[1.0]] * _N), server_state
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
      return rule_state, noise, {'selected': tf.zeros([_N])}

    plan = tiny.plan(rule=Rule('noise', next_state))
    stack, server_state = _stack(plan, [[1.0]] * _N), state.initial_state(plan)
    first, _ = _step(plan, stack, server_state)
    again, _ = _step(plan, stack, server_state)
    second, _ = _step(plan, stack, first)
    np.testing.assert_array_equal(first['weights'], again['weights'])
    moves = (
      first['weights'] - server_state['weights'],
      second['weights'] - (first['weights']),
    )
    assert np.abs(moves[0] - moves[1]).max() > 0.1


class TestStreamed:
  def _stack(self, plan, total, weights, norms):
    stack = _stack(plan, [[0.0]] * len(weights))
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
    new, metrics = _step(plan, stack)
    moved = new['weights'] - plan.initial_weights
    np.testing.assert_allclose(moved[0], 12 / 5, rtol=1e-5)
    np.testing.assert_allclose(metrics['selected'], [0.2, 0, 0.8], rtol=1e-6)
    assert metrics['num_dropped'] == 1
    assert metrics['rule/too_few_clients'] == 0

  def test_no_client_left_leaves_the_weights(self):
    plan = tiny.plan(num_participants=2)
    stack = self._stack(plan, 0.0, [1.0, 3.0], [np.nan, np.inf])
    new, metrics = _step(plan, stack)
    np.testing.assert_array_equal(new['weights'], plan.initial_weights)
    assert metrics['num_dropped'] == 2
    assert metrics['rule/too_few_clients'] == 1

  def test_clients_without_examples_are_too_few(self):
    plan = tiny.plan(num_participants=2)
    _, metrics = _step(plan, self._stack(plan, 0.0, [0.0, 0.0], [1.0, 1.0]))
    assert metrics['num_dropped'] == 0
    assert metrics['rule/too_few_clients'] == 1


def test_stages_are_timed():
  plan = tiny.plan(rule=_summing_rule())
  _, metrics = _step(plan, _stack(plan, [[1.0]] * _N))
  stages = [name for name in metrics if name.startswith('seconds/')]
  assert stages == ['seconds/attack', 'seconds/pruning', 'seconds/rule']
  assert all(metrics[name] >= 0 for name in stages)


def test_other_plans_are_not_touched():
  plan = tiny.plan(rule=_summing_rule())
  before = state.initial_state(plan)
  copy = dataclasses.asdict(plan)['initial_weights'].copy()
  _step(plan, _stack(plan, [[1.0]] * _N), before)
  np.testing.assert_array_equal(before['weights'], copy)
  assert before['round'].numpy() == 0


def test_drift_from_the_centre_over_rounds():
  # The second of three clients attacks, not in round 3.
  plan = tiny.plan(
    3,
    rule=aggregators.build('centered_clipping', radius=1.0),
    attack=tiny.attack_plan(
      Attack('x', craft=lambda own, benign, context: own),
      [False, True, False],
      stop_round=2,
      space='update',
    ),
    drift_radius=1.0,
  )
  rank = tf.constant([-1, 0, -1])
  server_state, found = state.initial_state(plan), []
  for rows in (
    [[1, 0], [0, 5], [1, 0]],
    [[1, 0], [3, 0], [1, 0]],
    [[1, 0], [1, 0], [np.nan, 0]],
  ):
    stack = _stack(plan, rows, rank=rank)
    new_state, metrics = _step(plan, stack, server_state)
    found.append(
      [
        metrics[f'escape/{name}']
        for name in ('drift_norm', 'angle_degrees', 'cosine')
      ]
    )
    server_state = tf.nest.map_structure(tf.constant, new_state)
    perturbation = new_state['perturbation'][:2]
    assert np.all(new_state['perturbation'][2:] == 0)
    expected = [[0, 1], None, [0, 0]][len(found) - 1]
    if expected:
      np.testing.assert_allclose(perturbation, expected, atol=1e-7)
  # Round 1, from 0: the row (0, 5). The result is ((1, 0) * 2 + (0, 1)) / 3.
  np.testing.assert_allclose(found[0], [5, np.nan, np.nan])
  centre = np.array([2 / 3, 1 / 3])
  drift = np.array([3, 0]) - centre
  norm = np.linalg.norm(drift)
  cosine = drift @ centre / norm / np.linalg.norm(centre)
  np.testing.assert_allclose(
    found[1],
    [norm, np.degrees(np.arccos(cosine)), drift[1] / norm],
    rtol=1e-5,
  )


def test_no_drift_is_measured_where_it_is_not_asked_for():
  plan = tiny.plan(
    3,
    rule=aggregators.build('centered_clipping', radius=1.0),
    attack=tiny.attack_plan(
      Attack('x', craft=lambda own, benign, context: own), [True, False, False]
    ),
  )
  new_state, metrics = _step(
    plan, _stack(plan, np.eye(3), rank=tf.constant([0, -1, -1]))
  )
  assert 'perturbation' not in new_state
  assert not any(name.startswith('escape/') for name in metrics)
