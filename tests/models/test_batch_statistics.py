"""Moving statistics are entries of the vector that follow the batches."""

import numpy as np
import pytest
import small_models
import tensorflow as tf

from flsec.config import schema
from flsec.federated import batches, local_training
from flsec.models import batch_statistics
from flsec.models.flat import FlatModel

layers = tf.keras.layers
MOMENTUM = 0.75
batch_norm = lambda name: layers.BatchNormalization(
  momentum=MOMENTUM, name=name
)


def part(model, weights, name, attribute):
  span = model.layout[name].spans[attribute]
  return np.asarray(weights)[span.start : span.stop]


@pytest.fixture(scope='module')
def keras_model():
  return small_models.convolutional(batch_norm)


@pytest.fixture(scope='module')
def model(keras_model):
  return FlatModel(keras_model)


def test_statistics_move_as_those_of_keras(keras_model, model):
  weights = tf.constant(model.initial_weights(0))
  keras_model.set_weights([t.numpy() for t in model.tensors(weights)])
  for seed in range(3):
    x, y = small_models.batch(model, seed=seed)
    keras_model(x, training=True)
    _, _, statistics = model.differentiate(weights, x, y)
    weights = model.with_statistics(weights, statistics)
  wanted = np.concatenate([np.ravel(w) for w in keras_model.get_weights()])
  assert not np.allclose(wanted, model.initial_weights(0))
  np.testing.assert_allclose(weights, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize('mask', [None, [1.0, 1, 1, 1, 1, 0, 0]])
def test_dense_units_move_to_mean_and_unbiased_variance(mask):
  model = FlatModel(small_models.normalised_perceptron(batch_norm))
  weights = small_models.random_weights(model.num_weights)
  x, y = small_models.batch(model)
  given = None if mask is None else tf.constant(mask)
  _, _, statistics = model.differentiate(tf.constant(weights), x, y, mask=given)
  moved = model.with_statistics(tf.constant(weights), statistics)
  kernel, bias = (part(model, weights, 'hidden', a) for a in ('kernel', 'bias'))
  rows = np.asarray(x, np.float64)[: 7 if mask is None else 5]
  units = rows @ kernel.reshape(5, 4) + bias
  for attribute, value in (
    ('moving_mean', units.mean(axis=0)),
    ('moving_variance', units.var(axis=0, ddof=1)),
  ):
    old = part(model, weights, 'norm', attribute)
    np.testing.assert_allclose(
      part(model, moved, 'norm', attribute),
      MOMENTUM * old + (1 - MOMENTUM) * value,
      rtol=1e-4,
    )


def test_only_statistics_are_replaced(model):
  weights = np.arange(model.num_weights, dtype=np.float32)
  spans = model.layout.statistics
  count = sum(span.size for span in spans)
  found = model.with_statistics(
    tf.constant(weights), -1.0 - tf.range(count, dtype=tf.float32)
  ).numpy()
  is_statistic = np.zeros(model.num_weights, bool)
  for span in spans:
    is_statistic[span.start : span.stop] = True
  assert count == 2 * (4 + 6) == is_statistic.sum()
  np.testing.assert_array_equal(found[is_statistic], -1.0 - np.arange(count))
  np.testing.assert_array_equal(found[~is_statistic], weights[~is_statistic])


def test_models_without_batch_normalisation_have_none():
  plain = FlatModel(small_models.perceptron())
  weights = tf.constant(plain.initial_weights(0))
  _, _, statistics = plain.differentiate(weights, *small_models.batch(plain))
  assert statistics is None
  assert plain.with_statistics(weights, None) is weights
  assert plain.layout.statistics == ()


def test_inference_moves_nothing(model):
  weights = tf.constant(model.initial_weights(0))
  x, y = small_models.batch(model)
  assert model.differentiate(weights, x, y, training=False)[2] is None


def test_a_batch_may_be_normalised_by_itself_and_nothing_else_be_random():
  x = inputs = tf.keras.Input((5,))
  x = batch_norm('norm')(layers.Dense(4, name='hidden')(x))
  x = layers.Dropout(0.5)(layers.ReLU()(x))
  model = FlatModel(tf.keras.Model(inputs, layers.Dense(3, name='logits')(x)))
  weights = small_models.random_weights(model.num_weights)
  x, _ = small_models.batch(model)
  found = batch_statistics.logits(model, tf.constant(weights), x)

  def own(name, attribute, *shape):
    return (
      part(model, weights, name, attribute).astype(np.float64).reshape(*shape)
    )

  units = np.asarray(x, np.float64) @ own('hidden', 'kernel', 5, 4)
  units += own('hidden', 'bias', 4)
  units -= units.mean(axis=0)
  units /= np.sqrt(
    units.var(axis=0) + model.keras_model.get_layer('norm').epsilon
  )
  units = units * own('norm', 'gamma', 4) + own('norm', 'beta', 4)
  wanted = np.maximum(units, 0) @ own('logits', 'kernel', 4, 3)
  wanted += own('logits', 'bias', 3)
  np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
  # By the moving statistics it is another one.
  assert np.abs(model.logits(weights, x) - wanted).max() > 1e-2


@pytest.mark.parametrize('training', [True, False])
def test_the_gradient_is_0_at_statistics(model, training):
  weights = tf.constant(model.initial_weights(0))
  x, y = small_models.batch(model)
  gradient = model.loss_and_gradient(weights, x, y, training=training)[1]
  for name in ('norm1', 'norm2'):
    for attribute in ('moving_mean', 'moving_variance'):
      np.testing.assert_array_equal(part(model, gradient, name, attribute), 0.0)
    assert np.any(part(model, gradient, name, 'gamma') != 0.0)


def test_inference_takes_a_negative_variance_for_0(model):
  weights = model.initial_weights(0)
  x, _ = small_models.batch(model)
  span = model.layout['norm1'].spans['moving_variance']
  found = []
  for value in (0.0, -3.0):
    weights[span.start : span.stop] = value
    found.append(model.logits(tf.constant(weights), x).numpy())
  assert np.isfinite(found[1]).all()
  np.testing.assert_array_equal(found[0], found[1])


def trained(model, config, *, padded):
  """Trains one client on six examples; returns what it leaves."""
  x, y = small_models.batch(model, size=6)
  if padded:
    x, y = tf.pad(x, [[0, 2], [0, 0], [0, 0], [0, 0]]), tf.pad(y, [[0, 2]])
  train = local_training.build_local_training(model, config, padded=padded)
  rows = local_training.num_slots(config)
  return train(
    tf.constant(model.initial_weights(0)),
    batches.Shard(x * 255.0, y, tf.constant(6)),
    tf.constant([1, 2], tf.int64),
    tf.constant(1),
    tf.zeros([rows, model.num_weights]),
    tf.constant(0),
    local_training.Hooks(),
    None,
  )


@pytest.mark.parametrize('padded', [False, True])
@pytest.mark.parametrize('optimizer', ['sgd', 'adam'])
def test_dropped_statistics_are_no_part_of_an_update(model, optimizer, padded):
  shared, dropped = (
    trained(
      model,
      schema.ClientsConfig(
        num_clients=1,
        optimizer=schema.OptimizerConfig(learning_rate=0.01, name=optimizer),
        epochs=2,
        batch_size=4,
        moving_statistics=statistics,
      ),
      padded=padded,
    ).update.numpy()
    for statistics in ('shared', 'dropped')
  )
  is_statistic = np.zeros(model.num_weights, bool)
  for span in model.layout.statistics:
    is_statistic[span.start : span.stop] = True
  assert np.all(dropped[is_statistic] == 0) and np.any(shared[is_statistic])
  # Training reads each batch's own: all else moves as it would.
  np.testing.assert_array_equal(dropped[~is_statistic], shared[~is_statistic])


@pytest.mark.parametrize(
  'optimizer',
  [{'name': 'sgd'}, {'name': 'sgd', 'momentum': 0.9}, {'name': 'adam'}],
)
def test_local_training_moves_statistics_by_batches_alone(model, optimizer):
  config = schema.ClientsConfig(
    num_clients=1,
    optimizer=schema.OptimizerConfig(learning_rate=0.01, **optimizer),
    epochs=2,
    batch_size=4,
  )
  plain = trained(model, config, padded=False)
  padded = trained(model, config, padded=True)
  for found in (plain, padded):
    moved = part(model, found.update, 'norm1', 'moving_variance')
    assert np.all(moved != 0.0)
    # Four batches leave at least 0.75^4 of the initial variance 1.
    assert np.all(1.0 + moved >= MOMENTUM**4)
    for row in found.slots.numpy():
      np.testing.assert_array_equal(
        part(model, row, 'norm1', 'moving_variance'), 0.0
      )
  # Not the means: they follow the bias before the norm, whose gradient is 0 but
  # for rounding, which Adam blows up.
  for name in ('norm1', 'norm2'):
    np.testing.assert_allclose(
      part(model, padded.update, name, 'moving_variance'),
      part(model, plain.update, name, 'moving_variance'),
      rtol=1e-2,
      atol=1e-4,
    )
