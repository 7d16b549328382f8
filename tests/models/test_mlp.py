"""Multi-layer perceptrons."""

import numpy as np
import pytest
import tensorflow as tf

from flsec import models
from flsec.models.flat import FlatModel


def build(input_shape=(3, 3, 1), num_classes=2, **options):
  return models.build(
    'mlp', input_shape=input_shape, num_classes=num_classes, **options
  )


def test_widths_are_as_asked():
  layout = FlatModel(build(hidden=[5, 4, 6])).layout
  shapes = [layer.kernel.shape for layer in layout.layers]
  assert shapes == [(9, 5), (5, 4), (4, 6), (6, 2)]


def test_no_hidden_layer_is_a_linear_classifier():
  model = FlatModel(build(hidden=[]))
  weights = np.arange(20, dtype=np.float32)
  x = np.linspace(-1.0, 1.0, 9, dtype=np.float32).reshape(1, 3, 3, 1)
  wanted = x.reshape(1, 9) @ weights[:18].reshape(9, 2) + weights[18:]
  found = model.logits(tf.constant(weights), tf.constant(x))
  np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_values_by_hand():
  model = FlatModel(build((2,), hidden=[2]))
  weights = [1.0, -1, 2, 3, 0.5, 0, 1, 2, 3, 4, 0.25, -0.25]
  # Hidden: relu(1 - 2 + 0.5, -1 - 3 + 0), relu(2 + 4 + .5, -2 + 6 + 0).
  x = tf.constant([[1.0, -1.0], [2.0, 2.0]])
  found = model.logits(tf.constant(weights), x)
  np.testing.assert_allclose(
    found, [[0.25, -0.25], [6.5 + 12 + 0.25, 13 + 16 - 0.25]], rtol=1e-6
  )


def test_standardized_inputs_are_those_of_a_model_without():
  plain = FlatModel(build(hidden=[4]))
  found = FlatModel(build(hidden=[4], standardize=(0.25, 0.5)))
  weights = plain.initial_weights(1)
  x = np.random.default_rng(0).random((4, 3, 3, 1), np.float32)
  # (x - 1/4) / (1/2); both are powers of two, so that nothing is rounded away.
  np.testing.assert_allclose(
    found.logits(weights, x), plain.logits(weights, 2 * x - 0.5), atol=1e-6
  )
  assert found.layout.preprocessing == ('standardized',)


def test_activation_and_dropout():
  keras_model = build(hidden=[5, 4], activation='tanh', dropout=0.2)
  kinds = [type(layer).__name__ for layer in keras_model.layers]
  assert kinds.count('Dropout') == 2
  assert keras_model.get_layer('dropout1').rate == 0.2
  layout = FlatModel(keras_model).layout
  assert layout['dense1'].activation == 'tanh'
  assert layout['dense1'].consumers == ('dense2',)


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'hidden': [5, 0]}, r'widths must be at least 1; got \[5, 0\]'),
    ({'dropout': 1.0}, r'\[0, 1\); got 1.0'),
    ({'dropout': -0.1}, r'\[0, 1\); got -0.1'),
    ({'standardize': [0.1, 0]}, r'mlp: standardize.*above 0.*got \[0.1, 0\]'),
    ({'widths': [3]}, "Unknown option of model 'mlp'"),
  ],
)
def test_refusals(options, message):
  with pytest.raises(ValueError, match=message):
    build(**options)
