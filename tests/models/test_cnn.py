"""Plain convolutional networks."""

import numpy as np
import pytest

from flsec import models
from flsec.models.flat import FlatModel


def layout(name='cnn', input_shape=(28, 28, 1), **options):
  keras_model = models.build(
    name, input_shape=input_shape, num_classes=10, **options
  )
  return FlatModel(keras_model).layout


def kernels(found):
  return [x.kernel.shape for x in found.of_kind('conv', 'dense')]


def test_defaults_are_the_two_layer_cnn():
  assert kernels(layout()) == [
    (5, 5, 1, 20),
    (5, 5, 20, 50),
    (800, 500),
    (500, 10),
  ]


def test_the_small_net_of_the_pruning_defence():
  # 25 weights a filter pair: 8 -> 16 filters of 5x5.
  found = layout(filters=[8, 16])
  assert found['conv2'].kernel.shape == (5, 5, 8, 16)
  assert found['conv2'].positions == 16


def test_pooling_where_asked():
  found = layout(pool_after=[2], padding='same', kernel_size=3)
  assert found['conv2'].positions == 14 * 14
  assert layout(pool_after=[])['conv2'].positions == 20 * 20


@pytest.mark.parametrize(
  ('normalization', 'spans'),
  [
    ('group', ['gamma', 'beta']),
    ('batch', ['gamma', 'beta', 'moving_mean', 'moving_variance']),
  ],
)
def test_norms_stand_between_convolution_and_relu(normalization, spans):
  found = layout(normalization=normalization)
  assert found['conv1'].norms == ('norm1',)
  assert found['conv1'].activation == 'relu'
  assert list(found['norm2'].spans) == spans
  assert layout().of_kind('norm') == ()


def test_dropout_follows_the_hidden_layers():
  keras_model = models.build(
    'cnn', input_shape=(28, 28, 1), num_classes=10, dropout=0.3
  )
  assert keras_model.get_layer('dropout1').rate == 0.3


def test_three_convolutions_and_two_dense_layers():
  assert kernels(layout('cnn_3conv')) == [
    (3, 3, 1, 16),
    (3, 3, 16, 32),
    (3, 3, 32, 64),
    (9 * 64, 128),
    (128, 10),
  ]


def test_four_convolutions_and_three_dense_layers():
  found = layout('cnn_4conv', (32, 32, 3))
  assert [len(shape) for shape in kernels(found)] == [4, 4, 4, 4, 2, 2, 2]
  assert found['conv4'].positions == 64


@pytest.mark.parametrize('name', ['cnn', 'cnn_3conv', 'cnn_4conv'])
def test_standardized_inputs_are_those_of_a_model_without(name):
  build = {'name': name, 'input_shape': (16, 16, 1), 'num_classes': 3}
  plain = FlatModel(models.build(**build))
  found = FlatModel(models.build(**build, standardize=(0.25, 0.5)))
  weights = plain.initial_weights(1)
  x = np.random.default_rng(0).random((4, 16, 16, 1), np.float32)
  # (x - 1/4) / (1/2); both are powers of two, so that nothing is rounded away.
  np.testing.assert_allclose(
    found.logits(weights, x), plain.logits(weights, 2 * x - 0.5), atol=1e-6
  )
  assert found.layout.size == plain.layout.size
  assert found.layout.preprocessing == ('standardized',)


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'filters': [20, 0]}, r'filters must be at least 1; got \[20, 0\]'),
    ({'kernel_size': 0}, r'kernel_size must be at least 1; got \[0\]'),
    ({'hidden': [-1]}, r'hidden must be at least 1'),
    ({'padding': 'full'}, "'valid' or 'same'; got 'full'"),
    ({'pool_after': [3]}, r'convolutions from 1 to 2; got \[3\]'),
    ({'dropout': 1.0}, r'\[0, 1\); got 1.0'),
    ({'normalization': 'layer'}, "group, batch, none; got 'layer'"),
    ({'standardize': [0.1]}, r'\(mean, deviation\).*got \[0.1\]'),
    ({'standardize': [0.1, 0]}, r'above 0.*got \[0.1, 0\]'),
    ({'standardize': [float('nan'), 1]}, r'got \[nan, 1\]'),
    ({'input_shape': (784,)}, r'takes images.*\(784,\)'),
    ({'input_shape': (8, 8, 1)}, 'down to 2x2 at convolution 2'),
    (
      {'input_shape': (2, 2, 1), 'padding': 'same'},
      'down to 1x1 at convolution 2',
    ),
  ],
)
def test_refusals(options, message):
  with pytest.raises(ValueError, match=message):
    layout(**options)
