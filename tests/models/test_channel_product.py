"""Tests of products of a layer's channels, of some of them alone."""

import numpy as np
import pytest
import tensorflow as tf

from flsec.models import channel_product
from flsec.models.channel_cut import ChannelCut
from flsec.models.flat import FlatModel

layers = tf.keras.layers


def _model(above):
  """Two 1x1 filters, 2 and -1, with biases 1 and 3, on 2x2 images."""
  x = inputs = tf.keras.Input((2, 2, 1))
  x = layers.Conv2D(2, 1, name='conv', activation='relu')(x)
  return FlatModel(tf.keras.Model(inputs, above(x)))


def _flat(x):
  x = layers.Dense(2, activation='relu', name='hidden')(layers.Flatten()(x))
  return layers.Dense(1, name='logits')(x)


def _pooled(x):
  return layers.Dense(2, name='logits')(layers.GlobalAveragePooling2D()(x))


def _product(model):
  cut = ChannelCut(model, 'conv', is_behind=True)
  return channel_product.behind(model, cut)


IMAGE = tf.constant([[[[1.0], [5.0]], [[0.0], [-2.0]]]])
CONV = [2, -1, 1, 3]


@pytest.mark.parametrize(
  ('present', 'expected'),
  [([0, 1], 28.2), ([0], 5.7), ([1], 21.0)],
)
def test_by_hand(present, expected):
  """Channel 0 is 3, 11, 1, 0 over the positions, channel 1 is 2, 0, 3, 5.

  Hidden are a = c0(0,0) + c1(0,0) + 3 c1(1,0) - 1, which is 13 of both, 2 of
  channel 0 and 10 of channel 1, and b = 7 c0(0,1) + c1(1,1) - 70: 12, 7 and 0
  (what is below zero). The logit is 2 a + 0.1 b + 1.
  """
  model = _model(_flat)
  kernel = np.zeros([2, 2, 2, 2])  # Row, column, channel, unit.
  kernel[0, 0, 0, 0] = kernel[0, 0, 1, 0] = 1
  kernel[1, 0, 1, 0] = 3
  kernel[0, 1, 0, 1], kernel[1, 1, 1, 1] = 7, 1
  weights = [*CONV, *kernel.ravel(), -1, -70, 2, 0.1, 1]
  assert _of(model, weights, present) == pytest.approx([expected], rel=1e-6)


@pytest.mark.parametrize(
  ('present', 'expected'),
  [([0, 1], [4.25, 9.0]), ([0], [4.25, -1.0]), ([1], [0.5, 9.0])],
)
def test_of_pooled_channels_by_hand(present, expected):
  """Means of 3.75 and 2.5; logits c0 + 1/2 and 4 c1 - 1."""
  model = _model(_pooled)
  weights = [*CONV, 1, 0, 0, 4, 0.5, -1]
  assert _of(model, weights, present) == pytest.approx(expected, rel=1e-6)


def _of(model, weights, present):
  """Returns the logits of the image, some channels being there."""
  weights = tf.constant(weights, tf.float32)
  product = _product(model)
  at_cut = product.below(weights, IMAGE)
  found = product.above(weights, at_cut, _channels(present), are_gone=False)
  gone = [channel for channel in (0, 1) if channel not in present]
  if gone:
    again = product.above(weights, at_cut, _channels(gone), are_gone=True)
    np.testing.assert_allclose(again, found, rtol=1e-6)
  return found.numpy()[0]


def _channels(numbers):
  return tf.constant(numbers, tf.int32)


@pytest.mark.parametrize(
  'above',
  [
    pytest.param(
      lambda x: _flat(layers.Conv2D(3, 2, name='more')(x)), id='a convolution'
    ),
    pytest.param(
      lambda x: _pooled(layers.Dense(3, name='each')(x)), id='each position'
    ),
    pytest.param(
      lambda x: layers.Dense(2, name='logits')(
        layers.Flatten()(layers.Add()([x, layers.Conv2D(2, 1, name='more')(x)]))
      ),
      id='two readers',
    ),
  ],
)
def test_there_is_none_where_something_else_reads_the_channels(above):
  assert _product(_model(above)) is None
