"""Tests of pooling before bias and activation."""

import exact_gradients
import numpy as np
import pytest
import tensorflow as tf

from flsec.models import pooled_conv, pooled_patches
from flsec.models.flat import FlatModel
from flsec.models.lenet import lenet5

layers = tf.keras.layers


def _model(activation='relu', pooling=None, size=8, **conv):
  inputs = tf.keras.Input((size, size, 2))
  x = layers.Conv2D(3, 3, activation=activation, name='conv', **conv)(inputs)
  x = (pooling or layers.MaxPooling2D())(x)
  x = layers.Flatten()(x)
  return tf.keras.Model(inputs, layers.Dense(4)(x))


def _batch(size=8):
  rng = np.random.default_rng(6)
  x = tf.constant(rng.normal(size=(5, size, size, 2)), tf.float32)
  return x, tf.constant([0, 1, 2, 3, 0])


def _weights(flat):
  """Returns drawn weights with biases that are not zero."""
  moved = np.random.default_rng(2).uniform(-0.1, 0.1, flat.num_weights)
  return (flat.initial_weights(1) + moved).astype(np.float32)


def _check(model, x, y):
  """Checks logits and gradient against float64; returns the flat model."""
  flat = FlatModel(model)
  weights = _weights(flat)
  logits, gradient = exact_gradients.differentiate(model, weights, x, y)
  weights = tf.constant(weights)
  logits.assert_close(flat.logits(weights, x))
  gradient.assert_close(flat.loss_and_gradient(weights, x, y)[1])
  return flat


@pytest.mark.parametrize('activation', ['relu', 'tanh', 'linear', 'sigmoid'])
@pytest.mark.parametrize(
  'pooling',
  [None, {'pool_size': 3, 'strides': 2, 'padding': 'same'}, {'strides': 1}],
)
def test_numbers_are_those_of_the_layers(activation, pooling):
  pooling = pooling and layers.MaxPooling2D(**pooling)
  flat = _check(_model(activation, pooling), *_batch())
  assert isinstance(flat._model.get_layer('conv'), pooled_conv.PooledConv2D)


def test_a_convolution_without_bias():
  _check(_model(use_bias=False), *_batch())


@pytest.mark.parametrize('activation', ['softmax', 'swish', 'gelu'])
def test_an_activation_that_falls_keeps_its_place(activation):
  model = _model(activation)
  assert pooled_conv.pooling_of(model.get_layer('conv')) is None


def test_another_reader_keeps_the_pooling_in_its_place():
  inputs = tf.keras.Input((8, 8, 2))
  conv = layers.Conv2D(3, 3, padding='same', name='conv')
  x = conv(inputs)
  pooled = layers.Flatten()(layers.MaxPooling2D()(x))
  other = layers.Flatten()(x)
  tf.keras.Model(inputs, [pooled, other])
  assert pooled_conv.pooling_of(conv) is None


def test_average_pooling_is_left_alone():
  model = _model(pooling=layers.AveragePooling2D())
  assert pooled_conv.pooling_of(model.get_layer('conv')) is None


def test_the_layout_is_that_of_the_model():
  flat = FlatModel(lenet5(input_shape=(28, 28, 1), num_classes=10))
  conv2 = flat.layout['conv2']
  assert (conv2.positions, conv2.activation) == (16, 'relu')
  assert conv2.consumers == ('dense1',)


def test_xla_compiles_it():
  model = _model()
  flat = FlatModel(model)
  weights, (x, y) = tf.constant(flat.initial_weights(0)), _batch()
  compiled = tf.function(flat.logits, jit_compile=True, autograph=False)
  logits, _ = exact_gradients.differentiate(model, weights, x, y)
  logits.assert_close(compiled(weights, x))


def _traced(flat):
  """Returns the traced gradient of a model of 20x20 images."""
  weights = tf.TensorSpec([flat.num_weights], tf.float32)
  return tf.function(flat.loss_and_gradient).get_concrete_function(
    weights, *(tf.TensorSpec(t.shape, t.dtype) for t in _batch(20))
  )


class TestPatches:
  """LeNet-like layers compute with `pooled_patches` where they train."""

  def _lenet(self):
    return lenet5(input_shape=(20, 20, 2), num_classes=4, padding='same')

  @pytest.fixture
  def convolved(self, monkeypatch):
    """The geometries that `pooled_patches.convolve` was called with."""
    seen = []
    convolve = pooled_patches.convolve

    def recorded(inputs, kernel, geometry):
      seen.append((geometry.height, geometry.width))
      return convolve(inputs, kernel, geometry)

    monkeypatch.setattr(pooled_patches, 'convolve', recorded)
    return seen

  @pytest.mark.parametrize('size', [20, 21])
  def test_numbers_are_those_of_the_layers(self, size, convolved):
    model = lenet5(input_shape=(size, size, 2), num_classes=4, padding='same')
    _check(model, *_batch(size))
    assert convolved == [(10, 10), (3, 3)]

  @pytest.mark.parametrize('activation', ['tanh', 'elu', 'linear'])
  @pytest.mark.parametrize('use_bias', [True, False])
  def test_activations_and_biases(self, activation, use_bias, convolved):
    inputs = tf.keras.Input((12, 12, 2))
    x = layers.Conv2D(3, 5, activation=activation, use_bias=use_bias)(inputs)
    x = layers.Flatten()(layers.MaxPooling2D()(x))
    model = tf.keras.Model(inputs, layers.Dense(4)(x))
    _check(model, *_batch(12))
    assert convolved == [(4, 4)]

  def test_dropout_between_two_layers(self, convolved):
    inputs = tf.keras.Input((20, 20, 2))
    x = layers.Conv2D(3, 5)(inputs)
    x = layers.Dropout(0.5)(layers.MaxPooling2D()(x))
    x = layers.MaxPooling2D()(layers.Conv2D(3, 5)(x))
    model = tf.keras.Model(inputs, layers.Dense(4)(layers.Flatten()(x)))
    x, y = _batch(20)
    weights = tf.constant(_weights(FlatModel(model)))
    # The first Dropout of a model draws from its seed with 1 added.
    kept = tf.nn.experimental.stateless_dropout(
      tf.ones([5, 8, 8, 3]), 0.5, seed=[1, 3]
    )
    _, wanted = exact_gradients.differentiate(
      model, weights, x, y, factors=kept
    )
    for by_patches in (True, False):
      flat = FlatModel(model, by_patches=by_patches)
      _, found = flat.loss_and_gradient(weights, x, y, seed=tf.constant([1, 2]))
      wanted.assert_close(found)
    assert convolved == [(8, 8), (2, 2)]

  @pytest.mark.parametrize(
    'conv, pool',
    [
      ({'kernel_size': 3}, {}),
      ({'filters': 17}, {}),
      ({'strides': 2}, {}),
      ({'dilation_rate': 2}, {}),
      ({}, {'pool_size': 3}),
      ({}, {'strides': 1}),
      ({}, {'padding': 'same'}),
    ],
  )
  def test_other_layers_keep_the_kernels(self, conv, pool, convolved):
    conv = {'filters': 3, 'kernel_size': 5, **conv}
    inputs = tf.keras.Input((15, 15, 2))
    x = layers.MaxPooling2D(**pool)(layers.Conv2D(**conv)(inputs))
    model = tf.keras.Model(inputs, layers.Dense(4)(layers.Flatten()(x)))
    _check(model, *_batch(15))
    assert convolved == []

  def test_accelerators_and_half_precision_keep_the_kernels(self, convolved):
    for options in ({'by_patches': False}, {'mixed_precision': True}):
      _traced(FlatModel(self._lenet(), **options))
    assert convolved == []

  def test_images_nobody_reads_are_not_made(self):
    traced = _traced(FlatModel(self._lenet()))
    reached, waiting = set(), [t.op for t in traced.graph.outputs]
    while waiting:
      op = waiting.pop()
      if op not in reached:
        reached.add(op)
        waiting += [tensor.op for tensor in op.inputs]
    names = {op.name for op in reached if 'transpose' in op.name.split('/')[-1]}
    # The images into conv1, and out of conv2.
    assert {n for n in names if 'conv' in n and 'gradient' not in n} == {
      'lenet5/conv1/transpose',
      'lenet5/conv2/transpose',
    }
