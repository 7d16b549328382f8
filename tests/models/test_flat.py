"""A Keras model as a function of one vector has Keras' own numbers."""

import itertools
from concurrent import futures

import float64_twin
import numpy as np
import pytest
import small_models
import tensorflow as tf

from flsec.models.flat import FlatModel

layers = tf.keras.layers
GROUPS = lambda name: layers.GroupNormalization(2, name=name)
KINDS = {
  'perceptron': small_models.perceptron,
  'convolutional': small_models.convolutional,
  'group_norm': lambda: small_models.convolutional(GROUPS),
  'layer_norm': lambda: small_models.convolutional(layers.LayerNormalization),
  'batch_norm': lambda: small_models.convolutional(layers.BatchNormalization),
  'dense_batch_norm': lambda: small_models.normalised_perceptron(
    layers.BatchNormalization
  ),
  'residual': small_models.residual,
}
every_kind = pytest.mark.parametrize('kind', KINDS)


def given(kind):
  """Returns (Keras model with random weights, its flat twin, weights [d])."""
  keras_model = KINDS[kind]()
  model = FlatModel(keras_model)
  weights = small_models.random_weights(model.num_weights)
  for span in model.layout.statistics:
    weights[span.start : span.stop] = np.abs(weights[span.start : span.stop])
  keras_model.set_weights([t.numpy() for t in model.tensors(weights)])
  return keras_model, model, tf.constant(weights)


@every_kind
def test_logits_are_those_of_keras(kind):
  keras_model, model, weights = given(kind)
  x, _ = small_models.batch(model)
  wanted = float64_twin.twin(keras_model, weights)(tf.cast(x, tf.float64))
  float64_twin.assert_close(model, model.logits(weights, x), wanted)


@every_kind
@pytest.mark.parametrize('training', [True, False])
def test_loss_and_gradient_are_those_of_keras(kind, training):
  keras_model, model, weights = given(kind)
  x, y = small_models.batch(model)
  loss, gradient = model.loss_and_gradient(weights, x, y, training=training)
  twin = float64_twin.twin(keras_model, weights)
  wanted = float64_twin.loss_and_gradient(twin, x, y, training=training)
  float64_twin.assert_close(model, loss, wanted[0])
  assert gradient.shape == [model.num_weights]
  float64_twin.assert_close(model, gradient, wanted[1], batch=7)


@every_kind
def test_a_graph_gives_what_eager_code_gives(kind):
  keras_model, model, weights = given(kind)
  x, y = small_models.batch(model)
  loss, gradient = tf.function(model.loss_and_gradient, autograph=False)(
    weights, x, y
  )
  twin = float64_twin.twin(keras_model, weights)
  wanted = float64_twin.loss_and_gradient(twin, x, y, training=True)
  float64_twin.assert_close(model, loss, wanted[0])
  float64_twin.assert_close(model, gradient, wanted[1], batch=7)


@every_kind
def test_rows_that_pad_change_nothing(kind):
  keras_model, model, weights = given(kind)
  x, y = small_models.batch(model, size=5)
  mask = tf.constant([1.0] * 5 + [0.0] * 3)
  padded_x = tf.concat([x, tf.fill([3, *x.shape[1:]], 50.0)], axis=0)
  padded_y = tf.concat([y, tf.zeros([3], tf.int32)], axis=0)
  plain = model.differentiate(weights, x, y)
  padded = model.differentiate(weights, padded_x, padded_y, mask=mask)
  twin = float64_twin.twin(keras_model, weights)
  wanted = float64_twin.loss_and_gradient(twin, x, y, training=True)
  for found in (plain, padded):
    float64_twin.assert_close(model, found[0], wanted[0])
    float64_twin.assert_close(model, found[1], wanted[1], batch=8)
  assert (padded[2] is None) == (plain[2] is None)
  if plain[2] is not None:
    float64_twin.assert_close(model, padded[2], plain[2], batch=8)


def test_a_batch_of_nothing_but_padding_has_loss_and_gradient_0():
  _, model, weights = given('batch_norm')
  x, y = small_models.batch(model, size=3)
  loss, gradient, statistics = model.differentiate(
    weights, x, y, mask=tf.zeros([3])
  )
  assert float(loss) == 0.0
  np.testing.assert_array_equal(gradient, np.zeros(model.num_weights))
  np.testing.assert_array_equal(
    model.with_statistics(weights, statistics), weights
  )


def test_the_loss_is_the_mean_cross_entropy():
  _, model, weights = given('perceptron')
  x, y = small_models.batch(model)
  logits = np.asarray(model.logits(weights, x), np.float64)
  each = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(7), y]
  np.testing.assert_allclose(model.loss(weights, x, y), each.mean(), rtol=1e-5)
  mask = tf.constant([1.0, 0, 0, 1, 0, 0, 0])
  np.testing.assert_allclose(
    model.loss(weights, x, y, mask=mask),
    (each[0] + each[3]) / 2,
    rtol=1e-5,
  )


@every_kind
def test_variables_are_left_as_they_were(kind):
  keras_model, model, weights = given(kind)
  before = [w.numpy() for w in keras_model.weights]
  x, y = small_models.batch(model)
  first = model.loss_and_gradient(weights, x, y)[1]
  model.loss_and_gradient(weights * 2.0, x, y)
  np.testing.assert_array_equal(
    model.loss_and_gradient(weights, x, y)[1], first
  )
  for weight, value in zip(keras_model.weights, before):
    np.testing.assert_array_equal(weight, value)


def test_threads_do_not_see_each_others_weights():
  _, model, weights = given('batch_norm')
  x, y = small_models.batch(model)
  scales = [0.5, 1.0, 1.5, 2.0] * 2
  run = lambda scale: model.loss_and_gradient(weights * scale, x, y)[1].numpy()
  wanted = [run(scale) for scale in scales]
  with futures.ThreadPoolExecutor(4) as pool:
    found = list(pool.map(run, scales))
  np.testing.assert_array_equal(found, wanted)


class TestInputs:
  def test_stored_bytes_become_model_inputs(self):
    model = FlatModel(small_models.perceptron(), scale=1 / 255, shift=-0.5)
    found = model.inputs(tf.constant([[0, 255, 51, 0, 0]], tf.uint8))
    assert found.dtype == tf.float32
    np.testing.assert_allclose(found[0, :3], [-0.5, 0.5, -0.3], atol=1e-6)

  def test_the_model_tells_its_sizes(self):
    model = FlatModel(small_models.convolutional())
    assert model.input_shape == (6, 6, 2)
    assert model.num_classes == 3
    assert model.num_weights == sum(
      int(np.prod(w.shape)) for w in small_models.convolutional().weights
    )


class TestInitialWeights:
  def test_come_from_the_seed_alone(self):
    # Keras numbers layers through the process: the second model has others.
    models = [
      FlatModel(
        tf.keras.Sequential(
          [tf.keras.Input((9,)), layers.Dense(20), layers.Dense(20)]
        )
      )
      for _ in range(2)
    ]
    first, second = (model.initial_weights(3) for model in models)
    assert first.dtype == np.float32
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, models[0].initial_weights(4))

  def test_layers_of_one_shape_draw_apart(self):
    square = [layers.Dense(8), layers.Dense(8)]
    model = FlatModel(tf.keras.Sequential([tf.keras.Input((8,)), *square]))
    first, _, second, _ = model.tensors(model.initial_weights(0))
    assert not np.allclose(first, second)

  def test_are_distributed_as_the_initialisers_say(self):
    x = inputs = tf.keras.Input((400,))
    x = layers.Dense(300, kernel_initializer='he_normal', name='he')(x)
    x = layers.Dense(200, name='glorot', bias_initializer='ones')(x)
    model = FlatModel(tf.keras.Model(inputs, x))
    he, he_bias, glorot, glorot_bias = (
      t.numpy() for t in model.tensors(model.initial_weights(0))
    )
    assert he.std() == pytest.approx(np.sqrt(2 / 400), rel=0.02)
    assert abs(he.mean()) < 1e-3
    limit = np.sqrt(6 / (300 + 200))
    assert glorot.std() == pytest.approx(limit / np.sqrt(3), rel=0.02)
    assert 0.99 * limit < np.abs(glorot).max() <= limit
    np.testing.assert_array_equal(he_bias, np.zeros(300))
    np.testing.assert_array_equal(glorot_bias, np.ones(200))

  def test_norms_start_as_the_identity(self):
    model = FlatModel(KINDS['batch_norm']())
    weights = model.initial_weights(0)
    for attribute, value in (
      ('gamma', 1.0),
      ('beta', 0.0),
      ('moving_mean', 0.0),
      ('moving_variance', 1.0),
    ):
      span = model.layout['norm1'].spans[attribute]
      np.testing.assert_array_equal(weights[span.start : span.stop], value)


class TestDropout:
  model = FlatModel(small_models.perceptron(dropout=0.5))
  weights = tf.constant(small_models.random_weights(model.num_weights))
  x, y = small_models.batch(model, size=64)

  def logits(self, *seed, training=True):
    seed = tf.constant(seed) if seed else None
    return self.model.logits(
      self.weights, self.x, training=training, seed=seed
    ).numpy()

  def test_a_seed_decides(self):
    np.testing.assert_array_equal(self.logits(1, 2), self.logits(1, 2))
    for one, other in itertools.combinations([(1, 2), (1, 3), (2, 2)], 2):
      assert not np.allclose(self.logits(*one), self.logits(*other))

  def test_seeds_may_be_those_of_a_round(self):
    seed = tf.constant([1, 2], tf.int64)
    found = self.model.logits(self.weights, self.x, training=True, seed=seed)
    np.testing.assert_array_equal(found, self.logits(1, 2))

  def test_nothing_is_dropped_outside_training(self):
    wanted = FlatModel(small_models.perceptron()).logits(self.weights, self.x)
    np.testing.assert_array_equal(self.logits(training=False), wanted)

  def test_units_are_dropped_at_the_rate_and_scaled(self):
    hidden, hidden_bias, outgoing, bias = self.model.tensors(self.weights)
    units = np.tanh(self.x @ hidden + hidden_bias)
    # The dropped pattern is the only one that explains the logits.
    patterns = np.array(list(itertools.product([0.0, 2.0], repeat=4)))
    explained = np.stack([(units * p) @ outgoing + bias for p in patterns])
    gaps = np.abs(explained - self.logits(5, 6)).max(axis=2)
    assert gaps.min(axis=0).max() < 1e-5
    kept = patterns[gaps.argmin(axis=0)] > 0
    assert kept.mean() == pytest.approx(0.5, abs=0.12)

  def test_two_layers_drop_apart(self):
    x = inputs = tf.keras.Input((50,))
    drops = [layers.Dropout(0.5, name=f'drop{index}') for index in range(2)]
    y = layers.Add()([drop(layers.ReLU()(x)) for drop in drops])
    model = FlatModel(
      tf.keras.Model(inputs, layers.Dense(1, use_bias=False, name='sum')(y))
    )
    # Were both patterns one, every unit would count 0 or 4 times.
    total = model.logits(
      tf.ones([50]), tf.ones([1, 50]), training=True, seed=tf.constant([0, 1])
    )
    units = tf.eye(50)
    each = [
      float(
        model.logits(
          unit, tf.ones([1, 50]), training=True, seed=tf.constant([0, 1])
        )[0, 0]
      )
      for unit in units
    ]
    assert set(each) == {0.0, 2.0, 4.0}
    assert sum(each) == pytest.approx(float(total[0, 0]))

  def test_training_needs_a_seed(self):
    with pytest.raises(ValueError, match=r"'drop' drops .* needs a seed"):
      self.logits(training=True)


def test_a_model_without_a_graph_is_refused():
  class Subclassed(tf.keras.Model):
    def call(self, inputs):
      return inputs

  with pytest.raises(ValueError, match='has no graph of layers'):
    FlatModel(Subclassed())
  with pytest.raises(ValueError, match='starts with an Input'):
    FlatModel(tf.keras.Sequential([layers.Dense(3)]))
