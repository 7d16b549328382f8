"""Rules inside stock `tff.learning` processes."""

import collections
import dataclasses

import numpy as np
import pytest
import stock_tff
import tensorflow as tf
import tensorflow_federated as tff
from stock_server import build, rows, server

from flsec import aggregators
from flsec.aggregators.rule import Rule
from flsec.federated.rule_factory import as_aggregation_factory


@pytest.fixture(scope='module', autouse=True)
def worker():
  with stock_tff.local_worker():
    yield


def drop_and_count(state, updates, weights, context):
  """Drops row 0, adds the number of calls; compares with `==` on purpose."""
  kept = tf.where(tf.range(tf.shape(updates)[0]) == 0, 0.0, weights)
  kept /= tf.reduce_sum(kept)
  update = tf.linalg.matvec(updates, kept, transpose_a=True)
  return (
    state + 1.0,
    update + state,
    {'selected': kept, 'round': context.round_number, 'seed': context.seed[1]},
  )


RULE = Rule(
  'drop_and_count',
  drop_and_count,
  lambda d: tf.zeros([d]),
  3,
  needs=frozenset({'seed'}),
)
VALUE_TYPE = tff.to_type(
  collections.OrderedDict(
    a=tff.TensorType(np.float32, [2]),
    b=(tff.TensorType(np.float64, []), tff.TensorType(np.float32, [1, 2])),
  )
)


def values(count, seed=0):
  generator = np.random.default_rng(seed)
  return [
    collections.OrderedDict(
      a=generator.normal(size=[2]).astype(np.float32),
      b=(generator.normal(), generator.normal(size=[1, 2]).astype(np.float32)),
    )
    for _ in range(count)
  ]


class TestValues:
  def test_structure_state_and_measurements(self):
    process = as_aggregation_factory(RULE).create(VALUE_TYPE)
    state, clients = process.initialize(), values(5)
    first = process.next(state, clients)
    second = process.next(first.state, clients)
    dropped = int(np.argmin(first.measurements['selected']))
    assert dropped == 0
    kept = rows(clients).sum(0)
    # TFF delivers values in any order: the dropped row is one of the five.
    options = [(kept - row) / 4.0 for row in rows(clients)]
    found = rows([first.result])[0]
    which = [np.allclose(found, option, atol=1e-5) for option in options]
    assert sum(which) == 1
    assert first.result['b'][0].dtype == np.float64
    assert np.shape(first.result['b'][1]) == (1, 2)
    np.testing.assert_array_equal(second.state[0], np.full([5], 2.0))
    assert [o.measurements['round'] for o in (first, second)] == [1, 2]
    seeds = [int(o.measurements['seed']) for o in (first, second)]
    assert seeds[0] != seeds[1]

  def test_a_single_tensor(self):
    value_type = tff.TensorType(np.float32, [3])
    process = as_aggregation_factory(RULE).create(value_type)
    clients = [np.full([3], value, np.float32) for value in (1, 1, 1)]
    found = process.next(process.initialize(), clients).result
    np.testing.assert_allclose(found, np.ones(3))

  def test_a_mean_builds_no_stack(self):
    def never(*_):
      raise AssertionError('The rule was run on a stack.')

    rule = Rule('mean', never, is_weighted_mean=True)
    process = as_aggregation_factory(rule).create(VALUE_TYPE)
    clients = values(4)
    found = process.next(process.initialize(), clients).result
    np.testing.assert_allclose(
      rows([found])[0], rows(clients).mean(0), rtol=1e-5
    )

  @pytest.mark.parametrize('value', [np.nan, np.inf])
  @pytest.mark.parametrize('name', ['mean', 'median'])
  def test_values_that_are_not_finite_are_dropped(self, name, value):
    process = as_aggregation_factory(aggregators.build(name)).create(VALUE_TYPE)
    clients = values(4)
    clients[1]['b'][1][0, 1] = value
    found = process.next(process.initialize(), clients)
    expected = np.delete(rows(clients), 1, axis=0)
    expected = getattr(np, name)(expected, axis=0)
    np.testing.assert_allclose(rows([found.result])[0], expected, rtol=1e-5)
    assert found.measurements['num_dropped'] == 1
    assert found.measurements['too_few_clients'] == 0

  @pytest.mark.parametrize('name', ['mean', 'median'])
  def test_with_no_value_left_the_rules_policy_holds(self, name):
    value_type = tff.TensorType(np.float32, [2])
    clients = [np.full([2], np.nan, np.float32)] * 3
    skipping = aggregators.build(name, on_too_few='skip')
    process = as_aggregation_factory(skipping).create(value_type)
    found = process.next(process.initialize(), clients)
    np.testing.assert_array_equal(found.result, [0, 0])
    assert found.measurements['too_few_clients'] == 1
    process = as_aggregation_factory(aggregators.build(name)).create(value_type)
    with pytest.raises(Exception, match=f'{name} needs at least 1 clients'):
      process.next(process.initialize(), clients)

  def test_a_rule_that_is_not_screened_is(self):
    process = as_aggregation_factory(RULE).create(VALUE_TYPE)
    clients = values(4)
    clients[2]['a'][0] = np.nan
    found = process.next(process.initialize(), clients)
    assert found.measurements['num_dropped'] == 1
    assert np.isfinite(rows([found.result])).all()

  @pytest.mark.parametrize('values_are_descents', [True, False])
  def test_rules_see_the_sign_that_they_expect(self, values_are_descents):
    largest = Rule(
      'largest',
      lambda state, updates, weights, context: (
        state,
        tf.reduce_max(updates, axis=0),
        {'selected': weights},
      ),
    )
    process = as_aggregation_factory(
      largest, values_are_descents=values_are_descents
    ).create(VALUE_TYPE)
    clients = values(4)
    found = process.next(process.initialize(), clients).result
    # The largest of the negated values, negated, is the smallest.
    reduce = np.min if values_are_descents else np.max
    np.testing.assert_allclose(
      rows([found])[0], reduce(rows(clients), axis=0), rtol=1e-6
    )

  def test_num_clients_is_known_to_the_rule_and_enforced(self):
    seen = []

    def watch(state, updates, weights, context):
      seen.append(updates.shape.as_list())
      return state, tf.reduce_mean(updates, 0), {'selected': weights}

    process = as_aggregation_factory(Rule('watch', watch), 4).create(VALUE_TYPE)
    assert seen[0] == [4, 5]  # And once more, for rounds with dropped rows.
    process.next(process.initialize(), values(4))
    with pytest.raises(Exception, match=r'ensure_shape|EnsureShape'):
      process.next(process.initialize(), values(3))


class TestRefusals:
  @pytest.mark.parametrize('need', ['root', 'validation', 'layout'])
  def test_what_a_stock_process_does_not_have(self, need):
    rule = Rule('needy', drop_and_count, needs=frozenset({need, 'seed'}))
    with pytest.raises(ValueError, match=f"'needy' reads {need} of the server"):
      as_aggregation_factory(rule)

  def test_what_the_server_given_does_not_have(self):
    rule = build('fltrust')
    without = dataclasses.replace(server(), root=None)
    with pytest.raises(ValueError, match='reads root of the server'):
      as_aggregation_factory(rule, server=without)

  def test_root_examples_without_a_way_to_train_on_them(self):
    with pytest.raises(ValueError, match='needs `root_training`'):
      dataclasses.replace(server(), root_training=None)

  def test_a_server_of_another_model(self):
    factory = as_aggregation_factory(build('fltrust'), server=server())
    with pytest.raises(ValueError, match=r'hold 5 numbers.* has 26 weights'):
      factory.create(VALUE_TYPE)

  def test_too_few_clients(self):
    with pytest.raises(
      ValueError, match='at least 3 clients; got num_clients=2'
    ):
      as_aggregation_factory(RULE, 2)

  @pytest.mark.parametrize(
    ('value_type', 'message'),
    [
      (tff.TensorType(np.int32, [2]), 'float tensors'),
      (tff.TensorType(np.float32, [None]), 'known shape'),
      (tff.SequenceType(np.float32), 'structures of tensors'),
    ],
  )
  def test_values_that_are_no_vectors(self, value_type, message):
    for rule in (RULE, Rule('mean', drop_and_count, is_weighted_mean=True)):
      with pytest.raises(TypeError, match=message):
        as_aggregation_factory(rule).create(value_type)
