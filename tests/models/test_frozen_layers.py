"""Layers with trainable=False are constants: nothing moves or sees them."""

import numpy as np
import pytest
import tensorflow as tf

from flsec import pruning
from flsec.models.flat import FlatModel
from flsec.pruning.pruner import PruningContext

layers = tf.keras.layers


def base_and_head(norm=True, trainable=False):
  """A convolutional base that is frozen, and a head of two layers."""
  x = inputs = tf.keras.Input((6, 6, 2))
  x = layers.Conv2D(4, 3, name='base')(x)
  if norm:
    x = layers.BatchNormalization(name='base_norm')(x)
  x = layers.Flatten()(layers.ReLU()(x))
  x = layers.Dense(5, activation='tanh', name='hidden')(x)
  x = layers.BatchNormalization(name='norm')(x)
  model = tf.keras.Model(inputs, layers.Dense(3, name='logits')(x))
  for name in ('base', 'base_norm') if norm else ('base',):
    model.get_layer(name).trainable = trainable
  return model


def with_random_weights(model):
  generator = np.random.default_rng(3)
  model.set_weights(
    [
      # Variances, the vectors among them, have to be positive.
      generator.uniform(0.1 if len(w.shape) == 1 else -0.3, 0.5, w.shape)
      for w in model.weights
    ]
  )
  return model


def batch():
  generator = np.random.default_rng(1)
  x = generator.normal(size=[7, 6, 6, 2]).astype(np.float32)
  return tf.constant(x), tf.constant(generator.integers(3, size=7), tf.int32)


def test_the_vector_holds_what_is_trained():
  model = FlatModel(base_and_head())
  hidden, norm, logits = 4 * 4 * 4 * 5 + 5, 4 * 5, 5 * 3 + 3
  assert model.num_weights == model.layout.size == hidden + norm + logits
  assert [one.name for one in model.layout.layers] == [
    'hidden',
    'norm',
    'logits',
  ]
  assert model.layout.frozen == ('base', 'base_norm')
  with pytest.raises(ValueError, match=r"'base' is frozen .* Choose one of"):
    model.layout['base']


def test_tensors_are_all_weights_of_keras():
  keras_model = with_random_weights(base_and_head())
  model = FlatModel(keras_model)
  found = model.tensors(model.initial_weights(0))
  assert len(found) == len(keras_model.weights)
  for one, other in zip(found, keras_model.weights):
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize('training', [True, False])
def test_loss_and_gradient_are_those_of_keras(training):
  keras_model = with_random_weights(base_and_head())
  model = FlatModel(keras_model)
  x, y = batch()
  weights = tf.constant(model.initial_weights(0))
  loss, gradient, _ = model.differentiate(weights, x, y, training=training)
  with tf.GradientTape() as tape:
    wanted_loss = tf.reduce_mean(
      tf.keras.losses.sparse_categorical_crossentropy(
        y, keras_model(x, training=training), from_logits=True
      )
    )
  by_id = {
    id(w): g
    for w, g in zip(
      keras_model.trainable_weights,
      tape.gradient(wanted_loss, keras_model.trainable_weights),
    )
  }
  wanted = np.concatenate(
    [
      np.ravel(by_id.get(id(w), np.zeros(w.shape)))
      for name in ('hidden', 'norm', 'logits')
      for w in keras_model.get_layer(name).weights
    ]
  )
  np.testing.assert_allclose(loss, wanted_loss, rtol=1e-4)
  np.testing.assert_allclose(gradient, wanted, rtol=5e-3, atol=2e-5)


def test_a_frozen_norm_keeps_its_statistics_and_normalises_by_them():
  keras_model = with_random_weights(base_and_head())
  model = FlatModel(keras_model)
  x, y = batch()
  weights = tf.constant(model.initial_weights(0))
  moved = model.differentiate(weights, x, y)[2]
  assert moved.shape == [2 * 5]  # Those of `norm` alone.
  np.testing.assert_allclose(
    model.logits(weights, x, training=True),
    keras_model(x, training=True),
    rtol=1e-3,
    atol=1e-4,
  )


def test_weights_that_a_frozen_layer_drew_stay_for_every_seed():
  keras_model = base_and_head()
  model = FlatModel(keras_model)
  for seed in (0, 1):
    found = model.tensors(model.initial_weights(seed))[0]
    np.testing.assert_array_equal(found, keras_model.get_layer('base').kernel)


def test_only_a_part_of_a_layer_may_be_frozen():
  class Scaled(layers.Dense):
    def build(self, input_shape):
      super().build(input_shape)
      self.factor = self.add_weight(
        name='factor', shape=(), initializer='ones', trainable=False
      )

    def call(self, inputs):
      return super().call(inputs) * self.factor

  parts = [tf.keras.Input((4,)), Scaled(3, name='scaled')]
  keras_model = tf.keras.Sequential(parts)
  keras_model.layers[0].factor.assign(2.0)
  model = FlatModel(keras_model)
  assert model.num_weights == 4 * 3 + 3
  np.testing.assert_allclose(
    model.logits(tf.ones([15]), tf.ones([1, 4])), [[10.0, 10.0, 10.0]]
  )


@pytest.mark.parametrize(
  'layer',
  [
    layers.DepthwiseConv2D(3),
    layers.Conv2D(4, 3, groups=2),
    layers.PReLU(),
    layers.SeparableConv2D(4, 3),
  ],
  ids=lambda layer: type(layer).__name__,
)
def test_frozen_layers_may_be_of_any_kind(layer):
  x = inputs = tf.keras.Input((6, 6, 2))
  layer.trainable = False
  x = layers.Flatten()(
    layers.Concatenate()(
      [
        layer(x),
        layer.__class__.from_config({**layer.get_config(), 'name': 'twin'})(x),
      ]
    )
  )
  keras_model = tf.keras.Model(inputs, layers.Dense(3)(x))
  model = FlatModel(keras_model)
  assert len(model.layout.layers) == 1
  weights = model.initial_weights(0)
  keras_model.set_weights(model.tensors(weights))
  np.testing.assert_allclose(
    model.logits(weights, batch()[0]),
    keras_model(batch()[0]),
    rtol=1e-4,
    atol=1e-5,
  )


def test_whole_weights_are_those_of_keras_and_come_apart_again():
  keras_model = with_random_weights(base_and_head())
  model = FlatModel(keras_model)
  weights = model.initial_weights(0)
  whole = model.whole(weights)
  np.testing.assert_array_equal(
    whole, np.concatenate([np.ravel(w) for w in keras_model.weights])
  )
  np.testing.assert_array_equal(model.trained(whole), weights)
  whole[3] += 1.0
  with pytest.raises(ValueError, match=r"Frozen layer 'base' has another kern"):
    model.trained(whole)


def test_flap_refuses_a_model_that_is_frozen_in_part():
  model = FlatModel(base_and_head(norm=False))
  context = PruningContext(tf.constant(1), tf.constant([0, 1]), (0.0, 1.0))
  with pytest.raises(ValueError, match=r"FLAP .*'base' are frozen"):
    pruning.build('flap').prune(
      tf.constant(model.initial_weights(0)), model.layout, context
    )


def test_flap_refuses_inputs_whose_range_a_layer_changes():
  x = inputs = tf.keras.Input((4,))
  x = layers.Rescaling(2.0, name='rescaled')(x)
  for units in (5, 5):
    x = layers.Dense(units, activation='relu')(x)
  model = FlatModel(tf.keras.Model(inputs, layers.Dense(3)(x)))
  assert model.layout.preprocessing == ('rescaled',)
  context = PruningContext(tf.constant(1), tf.constant([0, 1]), (0.0, 1.0))
  weights = tf.constant(model.initial_weights(0))
  with pytest.raises(ValueError, match="'rescaled' changes the inputs"):
    pruning.build('flap').prune(weights, model.layout, context)
  pruning.build('flap', criterion='saliency').prune(
    weights, model.layout, context
  )


def test_nothing_to_train_is_refused():
  model = base_and_head()
  model.trainable = False
  with pytest.raises(ValueError, match='has no weights to train'):
    FlatModel(model)
