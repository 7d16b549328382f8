"""Strided convolutions of one position stay away from a faulty kernel."""

import numpy as np
import pytest
import rounding
import tensorflow as tf

from flsec.models.flat import FlatModel

layers = tf.keras.layers


def _model(channels, *, pooled=False):
  inputs = tf.keras.Input((9, 8, channels))
  x = layers.Conv2D(3, 1, (3, 2), padding='same', name='conv')(inputs)
  x = layers.MaxPooling2D(2)(x) if pooled else x
  return tf.keras.Model(inputs, layers.Dense(4)(layers.Flatten()(x)))


def _strides_of_kernel_gradients(model):
  """Returns the strides of each gradient of a convolution's kernel."""
  flat = FlatModel(model)
  traced = tf.function(flat.loss_and_gradient).get_concrete_function(
    tf.TensorSpec([flat.num_weights]),
    tf.TensorSpec([None, *flat.input_shape]),
    tf.TensorSpec([None], tf.int32),
  )
  return [
    list(op.get_attr('strides'))[1:3]
    for op in traced.graph.get_operations()
    if op.type == 'Conv2DBackpropFilter'
  ]


@pytest.mark.parametrize('pooled', [False, True])
@pytest.mark.parametrize(
  'channels, strides', [(1, [1, 1]), (15, [1, 1]), (16, [3, 2])]
)
def test_few_channels_never_meet_the_strided_kernel(channels, strides, pooled):
  model = _model(channels, pooled=pooled)
  assert _strides_of_kernel_gradients(model) == [strides]


def test_one_dimension():
  inputs = tf.keras.Input((9, 4))
  x = layers.Conv1D(3, 1, 2)(inputs)
  model = tf.keras.Model(inputs, layers.Dense(4)(layers.Flatten()(x)))
  assert _strides_of_kernel_gradients(model) == [[1, 1]]


def test_larger_kernels_keep_their_strides():
  inputs = tf.keras.Input((9, 9, 4))
  x = layers.Conv2D(3, 2, 2)(inputs)
  model = tf.keras.Model(inputs, layers.Dense(4)(layers.Flatten()(x)))
  assert _strides_of_kernel_gradients(model) == [[2, 2]]


@pytest.mark.parametrize('padding', ['same', 'valid'])
@pytest.mark.parametrize('channels', [4, 16])
def test_values(channels, padding):
  """Every s-th position, times the kernel."""
  generator = np.random.default_rng(0)
  inputs = tf.keras.Input((9, 8, channels))
  conv = layers.Conv2D(3, 1, (3, 2), padding=padding)(inputs)
  flat = FlatModel(tf.keras.Model(inputs, conv))
  x = generator.normal(size=(5, 9, 8, channels)).astype(np.float32)
  weights = generator.normal(size=flat.num_weights).astype(np.float32)
  kernel, bias = weights[:-3].reshape(channels, 3), weights[-3:]
  seen = x[:, ::3, ::2]
  rounding.assert_close(
    flat.logits(tf.constant(weights), tf.constant(x)),
    seen.astype(np.float64) @ kernel + bias,
    terms=np.abs(seen) @ np.abs(kernel) + np.abs(bias),
    length=channels + 1,
  )
