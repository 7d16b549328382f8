"""Layers that stand in for Keras' own, and the cloning that puts them there."""

import numpy as np
import pytest
import tensorflow as tf

from flsec.models import functional_layers
from flsec.models.flat import FlatModel

layers = tf.keras.layers


def clone(layer):
  return functional_layers.Cloner()(layer)


class TestCloner:
  def test_other_layers_are_cloned_as_they_are(self):
    found = clone(layers.Dense(3, activation='tanh', name='some'))
    assert type(found) is layers.Dense
    assert found.units == 3
    assert found.name == 'some'

  def test_keras_layers_with_side_effects_are_replaced(self):
    found = clone(layers.BatchNormalization(momentum=0.6, epsilon=0.01))
    assert type(found) is functional_layers.BatchNormalization
    assert (found.momentum, found.epsilon) == (0.6, 0.01)
    found = clone(layers.GroupNormalization(4, name='some'))
    assert type(found) is functional_layers.GroupNormalization
    assert (found.groups, found.name) == (4, 'some')

  def test_dropouts_are_numbered(self):
    cloner = functional_layers.Cloner()
    first, second = cloner(layers.Dropout(0.1)), cloner(layers.Dropout(0.2))
    assert (first.rate, second.rate) == (0.1, 0.2)
    assert first.index != second.index


def test_batch_normalisation_over_another_axis_is_refused():
  inputs = tf.keras.Input((4, 4, 2))
  x = layers.BatchNormalization(axis=1, name='norm')(inputs)
  x = layers.Dense(3)(layers.Flatten()(x))
  with pytest.raises(ValueError, match=r"'norm'.*last axis.*axis=\[1\]"):
    FlatModel(tf.keras.Model(inputs, x))


@pytest.mark.parametrize(
  'kind',
  [lambda **o: layers.GroupNormalization(4, **o), layers.LayerNormalization],
  ids=['group', 'layer'],
)
@pytest.mark.parametrize('shape', [(8,), (5, 8), (3, 5, 8)])
@pytest.mark.parametrize('options', [{}, {'scale': False}, {'center': False}])
def test_group_and_layer_normalisation_are_those_of_keras(kind, shape, options):
  keras_layer = kind(**options)
  ours = clone(keras_layer)
  generator = np.random.default_rng(0)
  x = tf.constant(generator.normal(2.0, 3.0, size=[6, *shape]), tf.float32)
  target = tf.constant(generator.normal(size=x.shape), tf.float32)
  found = []
  for layer in (ours, keras_layer):
    layer.build(x.shape)
    layer.set_weights([np.linspace(0.5, 2.0, 8) for _ in layer.weights])
    with tf.GradientTape() as tape:
      tape.watch(x)
      loss = tf.reduce_sum(tf.sin(layer(x)) * target)
    found.append(
      [layer(x), *tape.gradient(loss, [x, *layer.trainable_weights])]
    )
  for mine, theirs in zip(*found):
    np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=1e-4)


def test_group_normalisation_over_another_axis_is_left_to_keras():
  x = tf.random.stateless_normal([3, 4, 5], [0, 1])
  ours = clone(layers.GroupNormalization(2, axis=1))
  theirs = layers.GroupNormalization(2, axis=1)
  np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-5)


def test_layer_normalisation_over_other_axes_is_refused():
  inputs = tf.keras.Input((4, 4, 2))
  x = layers.LayerNormalization(axis=[2, 3], name='norm')(inputs)
  x = layers.Dense(3)(layers.Flatten()(x))
  with pytest.raises(ValueError, match=r"'norm'.*axis=\[2, 3\]"):
    FlatModel(tf.keras.Model(inputs, x))


def test_training_moves_statistics_in_the_trace_alone():
  layer = clone(layers.BatchNormalization(name='norm'))
  x = tf.random.stateless_normal([4, 3], [0, 1])
  layer(x, training=True)
  np.testing.assert_array_equal(layer.moving_mean, np.zeros(3))
  trace = functional_layers.Trace()
  layer.trace = trace
  layer(x, training=True)
  np.testing.assert_array_equal(layer.moving_mean, np.zeros(3))
  np.testing.assert_allclose(
    trace.moved['norm']['moving_mean'],
    0.01 * np.mean(x, axis=0),
    rtol=1e-4,
  )
