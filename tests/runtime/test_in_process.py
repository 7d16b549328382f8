"""The MapReduceForm in this process: the numbers, threads, refusals."""

import gc

import agreement
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_federated as tff
import tiny_federation as tiny
from tensorflow.python.eager import context

from flsec.federated import process
from flsec.runtime.in_process import InProcess


def _leaves(nest):
  return [np.asarray(leaf) for leaf in tf.nest.flatten(nest)]


def test_nothing_of_it_stays_in_tensorflow_when_it_is_closed():
  before = set(context.context().list_function_names())
  plan = tiny.plan(3)
  with InProcess(process.build_process(plan), num_threads=1) as runtime:
    runtime.next(runtime.initialize(), agreement.clients()[:3])
    during = set(context.context().list_function_names())
  runtime.close()  # A second time does no harm.
  del runtime
  gc.collect()
  after = set(context.context().list_function_names())
  assert any('flsec' in name for name in during - before)
  assert not [name for name in after - before if 'flsec' in name]


class TestThreads:
  @pytest.mark.parametrize('plan', [agreement.everything, tiny.plan])
  def test_do_not_change_a_bit(self, plan):
    plan = plan()
    clients = agreement.clients()[: plan.num_participants]
    histories = [
      tiny.run(plan, clients, rounds=2, num_threads=threads)
      for threads in (1, 2, 4)
    ]
    expected = _leaves([state for state, _ in histories[0]])
    for history in histories[1:]:
      found = _leaves([state for state, _ in history])
      for one, other in zip(found, expected):
        np.testing.assert_array_equal(one, other)

  def test_nor_does_how_often_the_process_was_built(self):
    plan, clients = agreement.everything(), agreement.clients()
    first, second = (_leaves(tiny.run(plan, clients)[0][0]) for _ in range(2))
    for one, other in zip(first, second):
      np.testing.assert_array_equal(one, other)

  @pytest.mark.parametrize('count', [1, 2, 3, 7, 8])
  def test_any_number_of_clients(self, count):
    clients = agreement.clients()[:count]
    plan = tiny.plan(count)
    _, metrics = tiny.run(plan, clients, num_threads=2)[0]
    np.testing.assert_array_equal(metrics['client_id'], range(count))

  @pytest.mark.parametrize('count', [7, 8, 9, 16, 24, 29])
  def test_merges_keep_the_order_of_the_clients(self, count):
    @tff.tensorflow.computation
    def nothing():
      return tf.zeros([0], tf.int32)

    rows = tff.TensorType(np.int32, [None])

    @tff.tensorflow.computation(rows, rows)
    def join(left, right):
      return tf.concat([left, right], 0)

    @tff.tensorflow.computation(rows, np.int32)
    def add(left, value):
      return tf.concat([left, [value]], 0)

    @tff.tensorflow.computation(rows)
    def same(total):
      return total

    def next_fn(state, values):
      total = tff.federated_aggregate(values, nothing(), add, join, same)
      return state, total

    built = agreement.process_of(next_fn, np.int32)
    clients = [tf.constant(i, tf.int32) for i in range(count)]
    with InProcess(built, num_threads=3) as runtime:
      _, found = runtime.next(runtime.initialize(), clients)
    np.testing.assert_array_equal(found, range(count))


class TestRound:
  @pytest.fixture(scope='class')
  def runtime(self):
    built = process.build_process(tiny.plan(8))
    with InProcess(built, num_threads=2) as runtime:
      yield runtime

  def test_state_is_in_the_structure_of_the_process(self, runtime):
    state = runtime.initialize()
    new, metrics = runtime.next(state, agreement.clients())
    tf.nest.assert_same_structure(new, state)
    assert int(new['round']) == 1
    assert metrics['norm'].shape == [8]

  def test_the_state_given_is_left_alone(self, runtime):
    state = runtime.initialize()
    before = _leaves(state)
    runtime.next(state, agreement.clients())
    for one, other in zip(_leaves(state), before):
      np.testing.assert_array_equal(one, other)

  def test_stages_are_timed(self, runtime):
    runtime.next(runtime.initialize(), agreement.clients())
    assert set(runtime.stage_seconds) == {
      'local_training',
      'stacking',
      'server',
    }
    assert all(seconds >= 0 for seconds in runtime.stage_seconds.values())

  def test_no_clients_are_refused(self, runtime):
    with pytest.raises(ValueError, match='at least one client; got none'):
      runtime.next(runtime.initialize(), [])

  def test_an_error_of_a_client_comes_out(self, runtime):
    clients = agreement.clients()
    del clients[3]['seed']
    with pytest.raises((TypeError, ValueError)):
      runtime.next(runtime.initialize(), clients)


def test_close_ends_the_threads():
  import threading

  built = process.build_process(tiny.plan(8))
  with InProcess(built, num_threads=2) as runtime:
    runtime.next(runtime.initialize(), agreement.clients())
    assert any('flsec-client' in t.name for t in threading.enumerate())
  assert not any('flsec-client' in t.name for t in threading.enumerate())


class TestRefusals:
  def test_two_exchanges_a_round_have_no_map_reduce_form(self):
    with pytest.raises(ValueError, match='to tff_local') as e:
      InProcess(agreement.two_exchanges(), num_threads=1)
    assert 'no MapReduceForm' in str(e.value)

  def test_secure_sums_are_not_dropped_in_silence(self):
    def next_fn(state, values):
      ints = tff.federated_map(
        tff.tensorflow.computation(lambda x: tf.cast(x, tf.int32), np.float32),
        values,
      )
      total = tff.federated_secure_sum_bitwidth(ints, np.int32(8))
      return state, total

    with pytest.raises(ValueError, match='secure'):
      InProcess(agreement.process_of(next_fn), num_threads=1)
