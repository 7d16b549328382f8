"""LeNet-5."""

import numpy as np
import pytest

from flsec import models
from flsec.models.flat import FlatModel


def build(input_shape=(28, 28, 1), **options):
  return models.build(
    'lenet5', input_shape=input_shape, num_classes=10, **options
  )


@pytest.mark.parametrize(
  ('padding', 'positions', 'sizes'),
  [
    # Kernel and bias of conv1, conv2, dense1, dense2, logits.
    ('valid', 16, [156, 2416, 30840, 10164, 850]),
    ('same', 25, [156, 2416, 48120, 10164, 850]),
  ],
)
def test_layers_have_the_papers_sizes(padding, positions, sizes):
  layout = FlatModel(build(padding=padding)).layout
  found = [sum(s.size for s in x.spans.values()) for x in layout.layers]
  assert found == sizes
  assert layout['conv2'].positions == positions
  chain = [layer.consumers for layer in layout.layers]
  assert chain == [('conv2',), ('dense1',), ('dense2',), ('logits',), ()]


@pytest.mark.parametrize('scale', [1.0, 0.8])
@pytest.mark.parametrize(
  ('name', 'bound'),
  [
    # Glorot: sqrt(6 / (inputs + outputs)); torch: 1 / sqrt(inputs).
    ('glorot', {'conv2': (6 / (150 + 400)) ** 0.5, 'logits': (6 / 94) ** 0.5}),
    ('torch', {'conv2': 150**-0.5, 'logits': 84**-0.5}),
  ],
)
def test_initialisers(name, bound, scale):
  flat = FlatModel(build(padding='same', initializer=name, initial_scale=scale))
  weights = flat.initial_weights(5)
  for layer, most in bound.items():
    most *= scale
    spans = flat.layout[layer].spans
    kernel, bias = (
      np.abs(weights[spans[part].start : spans[part].stop])
      for part in ('kernel', 'bias')
    )
    assert 0.97 * most < kernel.max() <= most
    assert (bias.max() > 0) == (name == 'torch')
    assert bias.max() <= most
  assert flat.num_weights == 61_706


def test_inputs_are_standardised_in_the_model():
  plain, centred = (
    FlatModel(build(padding='same', standardize=moments))
    for moments in (None, (0.5, 0.25))
  )
  weights = plain.initial_weights(7)
  x = np.random.default_rng(0).uniform(size=(3, 28, 28, 1)).astype('float32')
  # (x - 1 / 2) / (1 / 4).
  np.testing.assert_allclose(
    centred.logits(weights, x),
    plain.logits(weights, 4 * x - 2),
    rtol=1e-5,
    atol=1e-6,
  )


def test_the_smallest_images_leave_one_position():
  for padding, side in (('valid', 16), ('same', 12)):
    layout = FlatModel(build((side, side, 1), padding=padding)).layout
    assert layout['conv2'].positions == 1


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'padding': 'full'}, "'valid' or 'same'; got 'full'"),
    ({'initializer': 'he'}, "'glorot' or 'torch'; got 'he'"),
    ({'initial_scale': 0.0}, 'initial_scale is above 0.*got 0.0'),
    ({'initial_scale': float('inf')}, 'above 0.*got inf'),
    ({'standardize': (0.5, 0.0)}, 'lenet5: standardize is'),
    ({'input_shape': (15, 28, 1)}, r'at least 16x16.*\(15, 28, 1\)'),
    ({'input_shape': (11, 11, 1), 'padding': 'same'}, 'at least 12x12'),
    ({'input_shape': (784,)}, r'takes images.*\(784,\)'),
  ],
)
def test_refusals(options, message):
  with pytest.raises(ValueError, match=message):
    build(**options)
