"""Residual networks: depth, widths, shortcuts, heads."""

import numpy as np
import pytest

from flsec import models
from flsec.models.flat import FlatModel


def layout(name, input_shape=(8, 8, 3), **options):
  keras_model = models.build(
    name, input_shape=input_shape, num_classes=10, **options
  )
  return FlatModel(keras_model).layout


@pytest.mark.parametrize(
  ('name', 'options', 'convs', 'shortcuts'),
  [
    # The depth counts the convolutions of the main path and the output.
    ('resnet20', {}, 19, 2),
    ('resnet20', {'depth': 8}, 7, 2),
    ('resnet14_wide', {}, 13, 2),
    ('resnet20_dense', {'depth': 8, 'pool_size': 2}, 7, 2),
    ('resnet18', {'input_shape': (16, 16, 1)}, 17, 3),
  ],
)
def test_depth_and_projections(name, options, convs, shortcuts):
  found = layout(name, **options)
  projections = [
    x for x in found.of_kind('conv') if x.kernel.shape[:2] == (1, 1)
  ]
  assert len(projections) == shortcuts
  assert len(found.of_kind('conv')) == convs + shortcuts


class TestResNet20:
  layout = layout('resnet20')

  def test_widths_double(self):
    for stage, width in enumerate((16, 32, 64), start=1):
      assert self.layout[f'stage{stage}_block3_conv2'].units == width

  def test_every_convolution_is_normalised_and_has_no_bias(self):
    for layer in self.layout.of_kind('conv'):
      assert layer.norms == (f'{layer.name}_norm',)
      assert layer.bias is None
      assert layer.activation == 'relu'

  def test_a_stage_is_tied_through_its_identity_shortcuts(self):
    blocks = [f'stage1_block{block}_conv2' for block in (1, 2, 3)]
    assert set(self.layout['stem'].tied) == {'stem', *blocks}
    second = self.layout['stage2_block1_shortcut'].tied
    assert len(second) == 4
    assert 'stage2_block1_conv2' in second
    assert self.layout['stage2_block1_conv1'].tied == ()

  def test_the_last_stage_feeds_the_logits(self):
    last = self.layout['stage3_block3_conv2']
    assert last.consumers == ('logits',)
    assert last.positions == 1
    assert self.layout['logits'].kernel.shape == (64, 10)


def test_normalizations():
  assert layout('resnet20', depth=8, normalization='none').of_kind('norm') == ()
  found = layout('resnet20', depth=8, normalization='batch')
  # Two statistics for each channel of the nine convolutions.
  channels = 3 * 16 + 3 * 32 + 3 * 64
  assert sum(span.size for span in found.statistics) == 2 * channels


def test_the_dense_head():
  found = layout('resnet20_dense', (16, 16, 3), depth=8, pool_size=2)
  assert [x.name for x in found.of_kind('dense')] == [
    'dense1',
    'dense2',
    'logits',
  ]
  assert found['dense1'].kernel.shape == (2 * 2 * 64, 256)
  assert found['stage3_block1_conv2'].positions == 4
  shortcut = found['stage2_block1_shortcut']
  assert shortcut.norms == ()
  assert shortcut.bias is not None


@pytest.mark.parametrize(
  ('name', 'options', 'message'),
  [
    ('resnet20', {'depth': 18}, r'depth must be 6 n \+ 2 .*; got 18'),
    ('resnet20', {'depth': 2}, 'got 2'),
    ('resnet20', {'width': 0}, 'widths and blocks must be at least 1'),
    ('resnet20', {'normalization': 'layer'}, "resnet20: .*; got 'layer'"),
    ('resnet18', {'input_shape': (8, 8, 3)}, 'at least 16x16'),
    ('resnet14_wide', {'input_shape': (192,)}, 'takes images'),
    ('resnet20_dense', {'input_shape': (12, 12, 1)}, 'at least 13x13'),
    ('resnet20_dense', {'hidden': [0], 'pool_size': 1}, 'hidden and pool_size'),
  ],
)
def test_refusals(name, options, message):
  with pytest.raises(ValueError, match=message):
    layout(name, **options)


@pytest.mark.parametrize('name', ['resnet20', 'resnet14_wide', 'resnet18'])
@pytest.mark.parametrize(
  'standardize, wanted',
  [
    ((0.25, 0.5), lambda x: 2 * x - 0.5),
    # Powers of two, so that nothing is rounded away.
    (
      [[0.0, 0.25, 0.5], [1.0, 0.5, 0.25]],
      lambda x: x * [1, 2, 4] - [0, 0.5, 2],
    ),
  ],
)
def test_standardized_inputs_are_those_of_a_model_without(
  name, standardize, wanted
):
  build = {'name': name, 'input_shape': (16, 16, 3), 'num_classes': 3}
  if name == 'resnet20':
    build['depth'] = 8
  plain = FlatModel(models.build(**build))
  found = FlatModel(models.build(**build, standardize=standardize))
  weights = plain.initial_weights(1)
  np.testing.assert_array_equal(found.initial_weights(1), weights)
  x = np.random.default_rng(0).random((4, 16, 16, 3), np.float32)
  np.testing.assert_allclose(
    found.logits(weights, x),
    plain.logits(weights, wanted(x).astype(np.float32)),
    rtol=1e-4,
    atol=1e-4,
  )
  assert found.layout.preprocessing == ('standardized',)


@pytest.mark.parametrize(
  'standardize',
  [[0.1], [0.1, 0], [[0.1, 0.1], [1, 1]], [[0, 0, 0], [1, 1, 0]], [0, [1] * 3]],
)
def test_other_moments_are_refused(standardize):
  with pytest.raises(ValueError, match='a list of 3, of the channels; got'):
    layout('resnet20', depth=8, standardize=standardize)
