"""Local optimisers against Keras, and the schedule of the learning rate."""

import numpy as np
import pytest
import rounding
import tensorflow as tf

from flsec.config import schema
from flsec.federated import optimizers

_KERAS = tf.keras.optimizers.legacy
_CASES = {
  'sgd': ({}, lambda: _KERAS.SGD(0.1)),
  'momentum': ({'momentum': 0.9}, lambda: _KERAS.SGD(0.1, momentum=0.9)),
  'adam': ({'name': 'adam'}, lambda: _KERAS.Adam(0.1)),
  'slow adam': (
    {'name': 'adam', 'beta_1': 0.5, 'beta_2': 0.9, 'epsilon': 1e-3},
    lambda: _KERAS.Adam(0.1, 0.5, 0.9, 1e-3),
  ),
}


@pytest.mark.parametrize('name', _CASES)
def test_steps_are_those_of_keras(name):
  options, keras = _CASES[name]
  config = schema.OptimizerConfig(learning_rate=0.1, **options)
  optimizer, expected = optimizers.build_optimizer(config), keras()
  gradients = np.random.default_rng(0).normal(size=[6, 5]).astype(np.float32)
  variable = tf.Variable(np.arange(5, dtype=np.float64))
  weights = tf.range(5, dtype=tf.float32)
  slots = (tf.zeros([5]),) * optimizer.num_slots
  terms = 0.0
  for count, gradient in enumerate(gradients, 1):
    expected.apply_gradients([(tf.constant(gradient, tf.float64), variable)])
    weights, slots = optimizer.step(
      weights, slots, tf.constant(gradient), tf.constant(0.1), count
    )
    # Adam's rate has a difference from 1 in it; its step is the rate at most.
    lost = 1 / (1 - config.beta_2**count) if config.name == 'adam' else 1
    terms += 5 + 0.1 * lost
    rounding.assert_close(weights, variable.numpy(), terms=terms, length=8)
  assert [slot.shape for slot in slots] == [(5,)] * optimizer.num_slots


@pytest.mark.parametrize(
  'options, rows',
  [({}, 0), ({'momentum': 0.5}, 1), ({'name': 'adam'}, 2)],
)
def test_number_of_slots(options, rows):
  config = schema.OptimizerConfig(learning_rate=1.0, **options)
  assert optimizers.build_optimizer(config).num_slots == rows


def test_adam_by_hand():
  config = schema.OptimizerConfig(learning_rate=0.5, name='adam', epsilon=1e-8)
  step = optimizers.build_optimizer(config).step
  weights, slots = step(
    tf.zeros([2]),
    (tf.zeros([2]), tf.zeros([2])),
    tf.constant([3.0, -4.0]),
    tf.constant(0.5),
    tf.constant(1),
  )
  # The first step is the rate, against the sign of the gradient.
  # In float32, 1 - 0.999 is right to 1 part in 2^24 / 1000.
  np.testing.assert_allclose(weights, [-0.5, 0.5], rtol=2e-4)
  np.testing.assert_allclose(slots, [[0.3, -0.4], [0.009, 0.016]], rtol=1e-4)


def test_rate_falls_at_the_start_of_its_rounds():
  config = schema.OptimizerConfig(
    learning_rate=0.8, decay_rounds=(3, 5), decay_factor=0.5
  )
  rates = [
    float(optimizers.learning_rate(config, tf.constant(number)))
    for number in range(1, 7)
  ]
  np.testing.assert_allclose(rates, [0.8, 0.8, 0.4, 0.4, 0.2, 0.2], rtol=1e-6)


def test_unknown_optimizer_is_refused():
  config = schema.OptimizerConfig(learning_rate=0.1, name='rmsprop')
  with pytest.raises(ValueError, match="'sgd' or 'adam'; got 'rmsprop'"):
    optimizers.build_optimizer(config)
