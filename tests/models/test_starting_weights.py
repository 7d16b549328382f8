"""Weights that were set or loaded are where training starts."""

import random

import numpy as np
import pytest
import tensorflow as tf

from flsec.models import starting_weights
from flsec.models.flat import FlatModel

layers = tf.keras.layers


def perceptron(**options):
  x = inputs = tf.keras.Input((5,))
  x = layers.Dense(4, activation='tanh', name='hidden', **options)(x)
  x = layers.BatchNormalization(name='norm')(x)
  return tf.keras.Model(inputs, layers.Dense(3, name='logits')(x))


def part(model, weights, layer, attribute):
  span = model.layout[layer].spans[attribute]
  return weights[span.start : span.stop].reshape(span.shape)


def test_weights_that_were_set_are_kept_whatever_the_seed():
  keras_model = perceptron()
  keras_model.set_weights([np.full_like(w, 7) for w in keras_model.weights])
  model = FlatModel(keras_model)
  for seed in (0, 1):
    np.testing.assert_array_equal(
      model.initial_weights(seed), np.full(model.num_weights, 7, np.float32)
    )


def test_a_layer_that_was_not_set_is_drawn_as_ever():
  keras_model = perceptron()
  kernel = np.arange(20, dtype=np.float32).reshape(5, 4)
  keras_model.get_layer('hidden').set_weights([kernel, np.zeros(4)])
  model, plain = FlatModel(keras_model), FlatModel(perceptron())
  for seed in (0, 1):
    found, drawn = model.initial_weights(seed), plain.initial_weights(seed)
    np.testing.assert_array_equal(
      part(model, found, 'hidden', 'kernel'), kernel
    )
    np.testing.assert_array_equal(found[20:], drawn[20:])
    assert not np.array_equal(found[:20], drawn[:20])


def test_statistics_that_were_set_are_kept():
  keras_model = perceptron()
  keras_model.get_layer('norm').moving_mean.assign([1.0, 2.0, 3.0, 4.0])
  model = FlatModel(keras_model)
  weights = model.initial_weights(0)
  np.testing.assert_array_equal(
    part(model, weights, 'norm', 'moving_mean'), [1, 2, 3, 4]
  )
  np.testing.assert_array_equal(
    part(model, weights, 'norm', 'moving_variance'), np.ones(4)
  )


@pytest.mark.parametrize(
  'name', ['model.keras', 'model.h5', 'model.weights.h5']
)
def test_a_model_that_was_loaded_starts_where_it_was_saved(tmp_path, name):
  saved = perceptron()
  path = str(tmp_path / name)
  if name.endswith('.weights.h5'):
    saved.save_weights(path)
    loaded = perceptron()
    loaded.load_weights(path)
  else:
    saved.save(path)
    loaded = tf.keras.models.load_model(path, compile=False)
  wanted = np.concatenate([np.ravel(w) for w in saved.get_weights()])
  np.testing.assert_array_equal(FlatModel(loaded).initial_weights(5), wanted)


def test_an_initialiser_with_a_seed_of_its_own_keeps_it():
  initializer = tf.keras.initializers.GlorotUniform(seed=3)
  keras_model = perceptron(kernel_initializer=initializer)
  model = FlatModel(keras_model)
  for seed in (0, 1):
    np.testing.assert_array_equal(
      part(model, model.initial_weights(seed), 'hidden', 'kernel'),
      tf.keras.initializers.GlorotUniform(seed=3)((5, 4)),
    )


@pytest.mark.parametrize(
  'initializer',
  [
    lambda shape, dtype=None: tf.range(20.0)[:, None] + tf.zeros([20, 1]),
    tf.keras.initializers.Constant(2.5),
    'orthogonal',
    'he_uniform',
    'truncated_normal',
  ],
)
def test_every_initialiser_is_honoured(initializer):
  if callable(initializer) and not hasattr(initializer, 'get_config'):
    function = initializer
    initializer = lambda shape, dtype=None: tf.reshape(function(shape), shape)
  keras_model = perceptron(kernel_initializer=initializer)
  built = keras_model.get_layer('hidden').kernel.numpy()
  model = FlatModel(keras_model)
  first, second = (
    part(model, model.initial_weights(seed), 'hidden', 'kernel')
    for seed in (0, 1)
  )
  is_drawn = isinstance(initializer, str)
  assert np.array_equal(first, second) != is_drawn
  assert np.array_equal(first, built) != is_drawn


def test_one_initialiser_for_two_layers_still_counts_as_a_draw():
  shared = tf.keras.initializers.GlorotUniform()
  parts = [layers.Dense(6, kernel_initializer=shared) for _ in range(2)]
  model = FlatModel(tf.keras.Sequential([tf.keras.Input((6,)), *parts]))
  first, _, second, _ = model.tensors(model.initial_weights(0))
  assert not np.array_equal(first, second)
  assert not np.array_equal(first, model.tensors(model.initial_weights(1))[0])


class TestDrawingFrom:
  def draws(self):
    return (
      random.random(),
      np.random.rand(),
      float(tf.random.uniform([])),
      float(tf.keras.initializers.GlorotUniform()((1,))[0]),
    )

  def test_a_seed_decides_what_a_builder_draws(self):
    found = []
    for seed in (1, 2, 1):
      with starting_weights.drawing_from(seed):
        found.append(self.draws())
    assert found[0] == found[2]
    assert all(one != other for one, other in zip(found[0], found[1]))

  def test_generators_go_on_where_they_were(self):
    random.seed(4)
    np.random.seed(4)
    wanted = random.random(), np.random.rand()
    random.seed(4)
    np.random.seed(4)
    with starting_weights.drawing_from(1):
      self.draws()
    assert (random.random(), np.random.rand()) == wanted

  def test_a_builder_that_raises_leaves_them_too(self):
    random.seed(4)
    wanted = random.random()
    random.seed(4)
    with pytest.raises(KeyError), starting_weights.drawing_from(1):
      raise KeyError
    assert random.random() == wanted
