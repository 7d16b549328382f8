"""The float64 reference of other tests agrees with Keras, and finds faults."""

import exact_gradients
import numpy as np
import pytest
import tensorflow as tf

layers = tf.keras.layers
_LABELS = np.array([0, 1, 2, 3, 0])


@pytest.fixture(scope='module')
def given():
  """Returns a model in float64, its weights [d] and a batch."""
  options = {'dtype': 'float64'}
  inputs = tf.keras.Input((9, 8, 2), **options)
  x = layers.Conv2D(3, 3, padding='same', activation='tanh', **options)(inputs)
  x = layers.MaxPooling2D((3, 2), padding='same', **options)(x)
  x = layers.Conv2D(4, 2, (1, 2), activation='relu', **options)(x)
  x = layers.Dense(4, **options)(layers.Flatten(**options)(x))
  model = tf.keras.Model(inputs, x)
  generator = np.random.default_rng(0)
  weights = generator.uniform(-0.5, 0.5, size=model.count_params())
  return model, weights, generator.normal(size=(5, 9, 8, 2))


def _put(model, weights):
  for variable in model.weights:
    size = int(tf.size(variable))
    variable.assign(weights[:size].reshape(variable.shape))
    weights = weights[size:]


def test_values_are_those_of_keras(given):
  model, weights, x = given
  _put(model, weights)
  with tf.GradientTape() as tape:
    wanted = model(x)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(_LABELS, wanted)
    loss = tf.reduce_mean(losses)
  logits, gradient = exact_gradients.differentiate(model, weights, x, _LABELS)
  np.testing.assert_allclose(logits.value, wanted, rtol=1e-12)
  parts = [np.ravel(g) for g in tape.gradient(loss, model.weights)]
  np.testing.assert_allclose(
    gradient.value, np.concatenate(parts), rtol=1e-10, atol=1e-14
  )


def test_rounded_weights_are_close_and_a_thousandth_is_not(given):
  model, weights, x = given
  exact = exact_gradients.differentiate(model, weights, x, _LABELS)
  rounded = weights.astype(np.float32)
  for one, other in zip(
    exact, exact_gradients.differentiate(model, rounded, x, _LABELS)
  ):
    one.assert_close(other.value)
    with pytest.raises(AssertionError, match='farther from float64'):
      one.assert_close(one.value * 1.001)


def test_data_on_the_edge_are_refused(given):
  model, weights, x = given
  with pytest.raises(AssertionError, match='two values of a window'):
    exact_gradients.differentiate(model, weights, np.ones_like(x), _LABELS)
  with pytest.raises(AssertionError, match='too near'):
    exact_gradients.differentiate(model, 0 * weights, x, _LABELS)
