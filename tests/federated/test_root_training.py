"""The server's own training on its root examples."""

import mlp_reference
import numpy as np
import pytest
import tensorflow as tf
import tiny_federation as tiny

from flsec.config import schema
from flsec.config.root_training import RootTrainingConfig
from flsec.federated import root_training
from flsec.federated.root_training import RootTraining

_SEED = tf.constant([3, 4])
_SGD = schema.OptimizerConfig(learning_rate=0.1, momentum=0.5)
_ADAM = schema.OptimizerConfig(name='adam', learning_rate=0.01)


def _run(training, *, rows=10, round_number=1, model=None, seed=_SEED):
  """Returns (update, weights, x, y)."""
  model = model or tiny.model()
  federated = tiny.federation([rows])
  weights = model.initial_weights(tiny.SEED)
  train = root_training.build_root_training(model, training)
  found = tf.function(train, autograph=False)(
    tf.constant(weights),
    tf.constant(federated.x),
    tf.constant(federated.y),
    seed,
    tf.constant(round_number),
  )
  return found.numpy(), weights, federated.x, federated.y


class _Counting:
  """A model of one weight an example, whose gradient marks those in a batch."""

  num_weights = 10

  def inputs(self, x):
    return x

  def differentiate(self, weights, x, y, *, mask, seed):
    del x, mask, seed
    marks = tf.scatter_nd(y[:, None], -tf.ones(tf.shape(y)), tf.shape(weights))
    return tf.constant(0.0), marks, None

  def with_statistics(self, weights, statistics):
    assert statistics is None
    return weights


def _counts(training, seed=_SEED):
  """Returns how often each of ten examples was trained on."""
  train = root_training.build_root_training(_Counting(), training)
  run = tf.function(train, autograph=False)
  examples = tf.zeros([10, 1]), tf.range(10)
  return run(tf.zeros([10]), *examples, seed, tf.constant(1)).numpy()


@pytest.mark.parametrize('config', [_SGD, _ADAM])
@pytest.mark.parametrize('steps', [1, 3])
def test_steps_on_all_examples_by_hand(config, steps):
  found, weights, x, y = _run(RootTraining(config, steps))
  optimizer = mlp_reference.Optimizer(config, len(weights))
  expected = weights.astype(np.float64)
  for _ in range(steps):
    _, gradient = mlp_reference.loss_and_gradient(expected, x, y)
    expected = optimizer.step(expected, gradient, config.learning_rate)
  np.testing.assert_allclose(found, expected - weights, rtol=1e-3, atol=1e-6)


def test_a_step_draws_as_many_examples_as_were_asked_for_none_twice():
  rate_one = schema.OptimizerConfig(learning_rate=1.0)
  counts = _counts(RootTraining(rate_one, batch_size=4))
  assert sorted(counts) == [0] * 6 + [1] * 4


def test_each_step_and_each_round_draws_anew():
  rate_one = schema.OptimizerConfig(learning_rate=1.0)
  many = RootTraining(rate_one, steps=50, batch_size=4)
  counts = _counts(many)
  # No short batch: 50 x 4 examples; without a new draw four would have 50.
  assert counts.sum() == 200 and counts.min() > 0 and counts.max() < 50
  assert (counts != _counts(many, seed=tf.constant([5, 6]))).any()


def test_all_examples_are_drawn_in_no_order():
  rate_one = schema.OptimizerConfig(learning_rate=1.0)
  np.testing.assert_array_equal(_counts(RootTraining(rate_one, 3)), [3] * 10)
  explicit = RootTraining(rate_one, 3, batch_size=10)
  np.testing.assert_array_equal(_counts(explicit), [3] * 10)


def test_xla_compiles_it():
  rate_one = schema.OptimizerConfig(learning_rate=1.0)
  training = RootTraining(rate_one, steps=2, batch_size=4)
  train = root_training.build_root_training(_Counting(), training)
  run = tf.function(train, autograph=False, jit_compile=True)
  found = run(
    tf.zeros([10]), tf.zeros([10, 1]), tf.range(10), _SEED, tf.constant(1)
  )
  np.testing.assert_array_equal(found, _counts(training))


class TestOptimizer:
  _CLIENTS = schema.OptimizerConfig(
    learning_rate=0.2, momentum=0.5, decay_rounds=(3,), decay_factor=0.5
  )

  def _of(self, **given):
    return RootTraining.of(RootTrainingConfig(**given), self._CLIENTS)

  def test_is_the_clients_by_default(self):
    assert self._of() == RootTraining(self._CLIENTS, 1, None)

  def test_a_rate_left_out_decays_with_the_clients(self):
    before, *_ = _run(self._of(), round_number=2)
    after, *_ = _run(self._of(), round_number=3)
    np.testing.assert_allclose(after, before / 2, rtol=1e-5, atol=5e-7)

  def test_a_rate_given_stays(self):
    training = self._of(learning_rate=0.4)
    before, *_ = _run(training, round_number=2)
    after, *_ = _run(training, round_number=3)
    np.testing.assert_array_equal(after, before)
    clients, *_ = _run(self._of(), round_number=2)
    np.testing.assert_allclose(after, 2 * clients, rtol=1e-5, atol=5e-7)

  def test_another_one_has_its_own_options(self):
    found = self._of(optimizer='adam', learning_rate=0.01, steps=4)
    assert found.optimizer == _ADAM
    assert found.steps == 4


def test_a_batch_larger_than_the_root_set_is_refused():
  with pytest.raises(ValueError, match='batch_size=11 and 10 examples'):
    _run(RootTraining(_SGD, batch_size=11))
