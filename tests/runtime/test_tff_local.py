"""TFF's own worker and the in-process runtime give the same numbers."""

import collections

import agreement
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_federated as tff
import tiny_federation as tiny

from flsec.federated import process
from flsec.runtime import tff_local, worker
from flsec.runtime.in_process import InProcess

# Rules of every kind: a mean (streamed), rows that are sorted, rows that are
# chosen, a state, the server's own examples. test_contexts_agree has them all.
_QUICK = (
  ('mean', 'label_flip'),
  ('trimmed_mean', 'ipm'),
  ('multi_krum', 'none'),
  ('fltrust', 'sign_flip'),
)

# Two rounds of two epochs of three batches, in both processes.
_STEPS = 24


@pytest.fixture(scope='module')
def shared_worker():
  started = worker.Worker()
  yield started
  started.close()


@pytest.fixture
def one_worker(shared_worker, monkeypatch):
  """Every runtime talks to the same worker, which outlives it."""
  monkeypatch.setattr(shared_worker, 'close', lambda: None)
  monkeypatch.setattr(tff_local.worker, 'Worker', lambda: shared_worker)
  yield
  monkeypatch.undo()


def _both(built, clients, rounds=1):
  """Returns (state, metrics) in this process and on TFF's worker."""
  results = []
  local = InProcess(built, num_threads=2)
  state = local.initialize()
  for runtime in (local, tff_local.TffLocal(built)):
    with runtime:
      result = state, None
      for _ in range(rounds):
        result = runtime.next(result[0], clients)
      results.append(tf.nest.map_structure(np.asarray, result))
  return results


def _assert_close(found, expected):
  found, expected = (
    (
      state,
      {k: v for k, v in metrics.items() if not k.startswith('seconds/')},
    )
    for state, metrics in (found, expected)
  )
  tiny.assert_close(found, expected, steps=_STEPS)


@pytest.mark.usefixtures('one_worker')
class TestAgreement:
  @pytest.mark.parametrize('rule, attack', _QUICK)
  def test_of_some_rules(self, rule, attack):
    found, expected = _both(agreement.build(rule, attack), agreement.clients())
    _assert_close(found, expected)
    assert np.abs(found[0]['weights']).max() < 10

  def test_of_everything_at_once(self):
    built = process.build_process(agreement.everything())
    found, expected = _both(built, agreement.clients(), rounds=2)
    _assert_close(found, expected)

  def test_initial_states_are_equal(self):
    built = process.build_process(agreement.everything())
    states = []
    for runtime in (InProcess(built, num_threads=1), tff_local.TffLocal(built)):
      with runtime:
        states.append(tf.nest.map_structure(np.asarray, runtime.initialize()))
    tf.nest.assert_same_structure(*states)
    for one, other in zip(*map(tf.nest.flatten, states)):
      np.testing.assert_array_equal(one, other)

  def test_order_of_clients_does_not_matter(self):
    built = agreement.build('median', 'none')
    clients = agreement.clients()
    with tff_local.TffLocal(built) as runtime:
      state = runtime.initialize()
      results = [
        runtime.next(state, given)
        for given in (clients, [clients[i] for i in (3, 1, 0, 2, 7, 6, 5, 4)])
      ]
    np.testing.assert_array_equal(
      results[0][0]['weights'], results[1][0]['weights']
    )

  def test_a_stock_learning_process_runs_in_both(self):
    built, clients = _stock_fed_avg()
    found, expected = _both(built, clients, rounds=2)
    assert len(tf.nest.flatten(found[0])) >= 3
    tiny.assert_close(found[0], expected[0], steps=_STEPS)
    start = _weights(_stock_start(built))
    assert np.abs(_weights(found[0]) - start).max() > 1e-3


def test_a_stock_process_with_variables_is_refused_in_process():
  built, _ = _stock_fed_avg(is_functional=False)
  with pytest.raises(ValueError, match='keeps TensorFlow variables') as error:
    InProcess(built, num_threads=1)
  assert 'tff_local' in str(error.value)


def _weights(state):
  return np.concatenate(
    [np.ravel(x) for x in tf.nest.flatten(state) if np.ndim(x)]
  )


def _stock_start(built):
  with InProcess(built, num_threads=1) as runtime:
    return tf.nest.map_structure(np.asarray, runtime.initialize())


def _stock_fed_avg(is_functional=True):
  federated = tiny.federation([6, 5, 9])
  datasets = [
    tf.data.Dataset.from_tensor_slices(
      collections.OrderedDict(x=federated.client(i).x, y=federated.client(i).y)
    ).batch(4)
    for i in range(3)
  ]

  initializer = tf.keras.initializers.GlorotUniform(seed=1)
  inputs = tf.keras.Input((tiny.FEATURES,))
  x = tf.keras.layers.Dense(tiny.CLASSES, kernel_initializer=initializer)(
    inputs
  )
  arguments = (
    tf.keras.Model(inputs, x),
    tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    datasets[0].element_spec,
  )

  def variable_model():
    keras_model = tf.keras.models.clone_model(arguments[0])
    return tff.learning.models.from_keras_model(keras_model, *arguments[1:])

  model = variable_model
  if is_functional:
    model = tff.learning.models.functional_model_from_keras(*arguments)
  built = tff.learning.algorithms.build_weighted_fed_avg(
    model,
    client_optimizer_fn=tff.learning.optimizers.build_sgdm(0.1),
    server_optimizer_fn=tff.learning.optimizers.build_sgdm(1.0),
  )
  return built, datasets


def test_the_worker_ends_with_the_runtime():
  built = agreement.build('mean', 'none')
  runtime = tff_local.TffLocal(built)
  started = runtime._worker
  with runtime:
    assert started.is_running()
    runtime.initialize()
  assert not started.is_running()
