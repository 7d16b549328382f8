"""What a round needs, what there is, and what is refused."""

import logging
import types

import pytest

from flsec.config import schema
from flsec.runtime import memory

GIB = 2**30


def _plan(streams=False, dimension=1000, activations=10, **clients):
  options = {'batch_size': 8, **clients}
  optimizer = schema.OptimizerConfig(
    learning_rate=0.1,
    name=options.pop('name', 'sgd'),
    persistent=options.pop('persistent', False),
  )
  config = schema.ClientsConfig(num_clients=100, optimizer=optimizer, **options)
  return types.SimpleNamespace(
    dimension=dimension,
    clients=config,
    keeps_slots=optimizer.persistent,
    streams=streams,
    model=types.SimpleNamespace(num_activations=activations),
  )


def _need(plan, num_clients=10, examples_bytes=77, num_threads=2):
  return memory.need(
    plan,
    num_clients=num_clients,
    examples_bytes=examples_bytes,
    num_threads=num_threads,
  )


def test_a_stack_is_held_twice():
  need = _need(_plan())
  assert need.is_stack
  assert need.updates == 2 * 10 * 1000 * 4
  assert need.examples == 77
  assert need.state == 0
  # Four vectors a thread; activations and their gradients of a batch.
  assert need.training == 2 * (4 * 4000 + 2 * 8 * 10 * 4)
  assert need.total == 80_000 + 77 + need.training


def test_a_sum_needs_a_vector_for_each_doubling_of_the_clients():
  few, many = (
    _need(_plan(streams=True), num_clients=n).updates for n in (2, 10_000)
  )
  assert few == (1 + 1 + 4) * 4000
  assert many == (14 + 1 + 4) * 4000


def test_state_of_clients_counts_for_all_of_them_old_and_new():
  assert _need(_plan(momentum=0.9)).state == 2 * 100 * 4000
  adam = _need(_plan(name='adam', persistent=True))
  assert adam.state == 2 * 100 * 2 * 4000
  assert adam.updates == 2 * 10 * (4000 + 2 * 4000)


def _check(plan, available, num_clients=1000):
  return memory.check(
    plan,
    num_clients=num_clients,
    examples_bytes=GIB,
    num_threads=1,
    available=available,
  )


def test_a_stack_that_cannot_fit_is_refused_with_ways_out():
  plan = _plan(dimension=2**20)  # 8 MiB a client.
  with pytest.raises(ValueError) as raised:
    _check(plan, available=4 * GIB)
  message = str(raised.value)
  assert 'A round needs about 8.83 GiB of memory, and 4.00 GiB are' in message
  assert '7.81 GiB for the updates of 1000 clients x 1048576' in message
  assert '1.00 GiB for their examples' in message
  assert 'server.aggregator: mean' in message
  assert 'at most 381 clients a round (clients.num_selected)' in message
  assert 'smaller model' in message

  # What the message advises does fit, and one more client does not.
  assert _check(plan, available=4 * GIB, num_clients=381)
  with pytest.raises(ValueError, match='at most 381'):
    _check(plan, available=4 * GIB, num_clients=382)


def test_no_number_of_clients_is_advised_where_none_fits():
  with pytest.raises(ValueError) as raised:
    _check(_plan(dimension=2**20), available=GIB)
  assert 'num_selected' not in str(raised.value)


def test_a_sum_that_cannot_fit_is_refused_without_talk_of_a_stack():
  with pytest.raises(ValueError, match='for sums of 1048576 weights') as raised:
    _check(_plan(streams=True, dimension=2**20), available=GIB)
  assert 'runtime.threads' in str(raised.value)
  assert 'server.aggregator' not in str(raised.value)


def test_what_a_stack_will_need_is_said_beforehand(caplog):
  with caplog.at_level(logging.INFO):
    _check(_plan(), available=16 * GIB)
    _check(_plan(streams=True), available=16 * GIB)
  (message,) = [record.getMessage() for record in caplog.records]
  assert '1000 clients x 1000 weights' in message
  assert 'needs about 1.01 GiB; 16.00 GiB are available' in message


def test_the_prediction_counts_every_layer_of_a_model():
  import tensorflow as tf

  from flsec.models.flat import FlatModel

  inputs = tf.keras.layers.Input((4, 4, 1))
  x = tf.keras.layers.Conv2D(3, 3)(inputs)  # 2 x 2 x 3
  x = tf.keras.layers.Flatten()(x)
  model = FlatModel(tf.keras.Model(inputs, tf.keras.layers.Dense(5)(x)))
  assert model.num_activations == 16 + 12 + 12 + 5
