"""Tests of the 2x2 max pooling with a quick gradient."""

import numpy as np
import pytest
import tensorflow as tf

from flsec.models import max_pooling
from flsec.models.flat import FlatModel
from flsec.models.lenet import lenet5


def _gradient(layer, x, gradient):
  with tf.GradientTape() as tape:
    tape.watch(x)
    y = layer(x)
  return y, tape.gradient(y, x, gradient)


@pytest.mark.parametrize('shape', [(3, 4, 6, 5), (1, 24, 24, 6), (2, 2, 2, 1)])
def test_equals_keras(shape):
  rng = np.random.default_rng(0)
  x = tf.constant(rng.normal(size=shape), tf.float32)
  half = (shape[0], shape[1] // 2, shape[2] // 2, shape[3])
  gradient = tf.constant(rng.normal(size=half), tf.float32)
  own = _gradient(max_pooling.MaxPooling2x2(), x, gradient)
  keras = _gradient(tf.keras.layers.MaxPooling2D(), x, gradient)
  for one, other in zip(own, keras):
    np.testing.assert_array_equal(one, other)


def test_of_equal_values_exactly_one_gets_the_gradient():
  x = tf.zeros([1, 4, 4, 2])
  gradient = tf.constant(np.arange(8.0).reshape(1, 2, 2, 2), tf.float32)
  _, back = _gradient(max_pooling.MaxPooling2x2(), x, gradient)
  windows = back.numpy().reshape(1, 2, 2, 2, 2, 2).transpose(0, 1, 3, 2, 4, 5)
  np.testing.assert_array_equal(windows.sum(axis=(3, 4)), gradient)
  np.testing.assert_array_equal(windows[:, :, :, 0, 0], gradient)  # upper left


def test_a_tie_across_columns_goes_left():
  x = tf.constant([[0.0, 5.0], [5.0, 0.0]])[tf.newaxis, ..., tf.newaxis]
  _, back = _gradient(max_pooling.MaxPooling2x2(), x, tf.ones([1, 1, 1, 1]))
  np.testing.assert_array_equal(back[0, ..., 0], [[0.0, 0.0], [1.0, 0.0]])


@pytest.mark.parametrize(
  ('size', 'options', 'replaced'),
  [
    (8, {}, True),
    (7, {}, False),
    (8, {'pool_size': 3}, False),
    (8, {'strides': 1}, False),
  ],
)
def test_only_even_disjoint_windows_are_replaced(size, options, replaced):
  layer = tf.keras.layers.MaxPooling2D(**options)
  layer(tf.keras.Input((size, size, 1)))
  assert max_pooling.replaces(layer) == replaced


def test_xla_compiles_it():
  layer = max_pooling.MaxPooling2x2()
  x = tf.constant(
    np.random.default_rng(1).normal(size=(2, 4, 4, 3)), tf.float32
  )
  ones = tf.ones([2, 2, 2, 3])
  compiled = tf.function(
    lambda x: _gradient(layer, x, ones)[1], jit_compile=True
  )
  np.testing.assert_array_equal(compiled(x), _gradient(layer, x, ones)[1])


def test_a_flat_model_pools_with_it():
  model = FlatModel(lenet5(input_shape=(28, 28, 1), num_classes=10))
  kinds = [type(layer) for layer in model._model.layers]
  assert kinds.count(max_pooling.MaxPooling2x2) == 2
