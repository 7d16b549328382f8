"""Tests of models cut in two."""

import numpy as np
import pytest
import small_models
import tensorflow as tf

from flsec import models
from flsec.models import channel_cut
from flsec.models.channel_cut import ChannelCut
from flsec.models.flat import FlatModel
from flsec.pruning import masks

layers = tf.keras.layers
BATCH = layers.BatchNormalization
GROUPS = lambda name: layers.GroupNormalization(2, name=name)


def _lenet():
  return models.build('lenet5', input_shape=(16, 16, 1), num_classes=4)


# Name -> (model, every conv layer, whether a cut may be behind it).
KINDS = {
  'plain': (small_models.convolutional, ('conv1', 'conv2'), True),
  'batch': (
    lambda: small_models.convolutional(BATCH),
    ('conv1', 'conv2'),
    True,
  ),
  'group': (
    lambda: small_models.convolutional(GROUPS),
    ('conv1', 'conv2'),
    False,
  ),
  'layer': (
    lambda: small_models.convolutional(layers.LayerNormalization),
    ('conv2',),
    False,
  ),
  'residual': (
    small_models.residual,
    ('stem', 'inner', 'second', 'third', 'projection'),
    True,
  ),
  'pooled first': (_lenet, ('conv1', 'conv2'), True),
  'dense': (small_models.perceptron, ('hidden',), True),
}
CASES = [
  pytest.param(kind, layer, id=f'{kind}, {layer}')
  for kind, (_, names, _) in KINDS.items()
  for layer in names
]


def _given(kind):
  model = FlatModel(KINDS[kind][0]())
  weights = small_models.random_weights(model.num_weights)
  for span in model.layout.statistics:
    weights[span.start : span.stop] = np.abs(weights[span.start : span.stop])
  x, _ = small_models.batch(model)
  return model, weights, x


@pytest.mark.parametrize(('kind', 'layer'), CASES)
@pytest.mark.parametrize('is_behind', [False, True])
def test_both_parts_together_are_the_model(kind, layer, is_behind):
  model, weights, x = _given(kind)
  cut = ChannelCut(model, layer, is_behind=is_behind)
  found = cut.above(weights, cut.below(weights, x))
  np.testing.assert_array_equal(found, model.logits(weights, x))


@pytest.mark.parametrize(('kind', 'layer'), CASES)
def test_below_nothing_depends_on_the_layer(kind, layer):
  model, weights, x = _given(kind)
  changed = weights.copy()
  span = model.layout[layer].kernel
  changed[span.start : span.stop] *= -2.0
  cut = ChannelCut(model, layer)
  for one, other in zip(cut.below(weights, x), cut.below(changed, x)):
    np.testing.assert_array_equal(one, other)
  found = cut.above(changed, cut.below(weights, x))
  expected = model.logits(changed, x)
  np.testing.assert_array_equal(found, expected)
  assert (expected.numpy() != model.logits(weights, x).numpy()).any()


@pytest.mark.parametrize(('kind', 'layer'), CASES)
def test_channels_stay_apart_where_it_says_so(kind, layer):
  """Without channel 1 only channel 1 changes, to the same for all examples."""
  model, weights, x = _given(kind)
  assert channel_cut.keeps_apart(model, layer) == KINDS[kind][2]
  if not KINDS[kind][2]:
    return
  own = model.layout[layer]
  gone = np.arange(own.units) == 1
  mask = masks.unit_mask(model.layout, {layer: gone}, {})
  pruned = masks.apply_mask(tf.constant(weights), mask)
  cut = ChannelCut(model, layer, is_behind=True)
  before = cut.below(weights, x)[cut.place].numpy()
  after = cut.below(pruned, x)[cut.place].numpy()
  np.testing.assert_array_equal(after[..., ~gone], before[..., ~gone])
  np.testing.assert_array_equal(
    after[..., gone],
    np.broadcast_to(after[:1][..., gone], after[..., gone].shape),
  )
  assert (after[..., gone] != before[..., gone]).any()


def test_a_softmax_mixes_channels():
  x = inputs = tf.keras.Input((4, 4, 1))
  x = layers.Conv2D(3, 2, activation='softmax', name='conv')(x)
  x = layers.Dense(2, name='logits')(layers.Flatten()(x))
  assert not channel_cut.keeps_apart(
    FlatModel(tf.keras.Model(inputs, x)), 'conv'
  )


class TestActivations:
  def test_by_hand(self):
    """Two 1x1 filters, 2 and -1, with biases 1 and 3, on (1, 5 / 0, -2)."""
    x = inputs = tf.keras.Input((2, 2, 1))
    x = layers.Conv2D(2, 1, name='conv')(x)
    x = layers.MaxPooling2D(name='pool')(layers.ReLU(name='relu')(x))
    x = layers.Dense(2, name='logits')(layers.Flatten()(x))
    model = FlatModel(tf.keras.Model(inputs, x))
    weights = np.zeros(model.num_weights, np.float32)
    weights[:4] = [2, -1, 1, 3]
    images = tf.constant([[[[1.0], [5.0]], [[0.0], [-2.0]]]])
    found = model.activations(weights, images, 'conv')
    # 2x + 1 and 3 - x, at least 0.
    np.testing.assert_array_equal(
      found, [[[[3, 2], [11, 0]], [[1, 3], [0, 5]]]]
    )

  @pytest.mark.parametrize('kind', ['plain', 'batch', 'group', 'layer'])
  def test_they_are_keras_own_behind_norm_and_relu(self, kind):
    keras_model = KINDS[kind][0]()
    model = FlatModel(keras_model)
    weights = small_models.random_weights(model.num_weights)
    for span in model.layout.statistics:
      weights[span.start : span.stop] = np.abs(weights[span.start : span.stop])
    keras_model.set_weights([t.numpy() for t in model.tensors(weights)])
    x, _ = small_models.batch(model)
    for layer, relu in (('conv1', 'relu1'), ('conv2', 'relu2')):
      part = tf.keras.Model(
        keras_model.inputs, keras_model.get_layer(relu).output
      )
      np.testing.assert_allclose(
        model.activations(weights, x, layer), part(x), rtol=1e-4, atol=1e-4
      )

  def test_of_a_convolution_that_pools_first(self):
    """LeNet's are pooled before the bias; the report is before pooling."""
    keras_model = _lenet()
    model = FlatModel(keras_model)
    weights = small_models.random_weights(model.num_weights)
    keras_model.set_weights([t.numpy() for t in model.tensors(weights)])
    x, _ = small_models.batch(model)
    names = [one.name for one in model.layout.of_kind('conv')]
    for name in names:
      own = keras_model.get_layer(name)
      part = tf.keras.Model(keras_model.inputs, own.output)
      found = model.activations(weights, x, name)
      assert found.shape == part(x).shape
      np.testing.assert_allclose(found, part(x), rtol=1e-4, atol=1e-4)

  def test_an_addition_is_not_passed(self):
    model, weights, x = _given('residual')
    found = model.activations(weights, x, 'second')
    assert (found.numpy() < 0).any()  # The ReLU is behind the addition.

  def test_in_a_graph_and_under_xla(self):
    model, weights, x = _given('batch')
    expected = model.activations(weights, x, 'conv2')
    for compiled in (False, True):
      found = tf.function(
        lambda w, x: model.activations(w, x, 'conv2'), jit_compile=compiled
      )(weights, x)
      np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
