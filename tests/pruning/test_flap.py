"""FLAP as a whole: what it prunes, and what it leaves."""

import flap_reference as reference
import numpy as np
import pytest
import tensorflow as tf
from flap_reference import prune

from flsec.models.flat import FlatModel


class TestValues:
  @pytest.mark.parametrize(
    ('criterion', 'score'), [('impact', 0.722248), ('saliency', 0.0360555)]
  )
  def test_worked_example(self, criterion, score):
    layout, weights = reference.example()
    pruned, mask, record = prune(layout, weights, criterion=criterion)
    assert record['dense_0/units'].tolist() == [1]
    assert record['dense_0/partners'].tolist() == [0]
    np.testing.assert_allclose(record['dense_0/scores'], [score], rtol=1e-6)
    hidden, output = layout.layers
    np.testing.assert_allclose(
      reference.part(pruned, output.kernel),
      [[0.8, -0.3], [0.0, 0.0], [1.0, 1.0]],
      rtol=1e-6,
    )
    np.testing.assert_array_equal(
      reference.part(pruned, hidden.kernel), [[1, 0, 0], [0, 0, 2]]
    )
    # Column 1 of W, bias 1, row 1 of A.
    assert np.flatnonzero(mask).tolist() == [1, 4, 7, 11, 12]

  def test_double_doubles_the_partner(self):
    layout, weights = reference.example()
    pruned, _, _ = prune(layout, weights, merge='double')
    np.testing.assert_array_equal(
      reference.part(pruned, layout['dense_1'].kernel),
      [[1.0, -1.0], [0.0, 0.0], [1.0, 1.0]],
    )

  @pytest.mark.parametrize('sizes', [(7, 12, 4), (6, 11, 9, 3)])
  def test_impact_picks_what_the_reference_picks(self, sizes):
    layout = reference.perceptron(sizes)
    weights = reference.random_weights(layout, seed=3)
    _, _, record = prune(layout, weights, fraction=0.3)
    bounds = reference.unit_bounds(weights, layout)
    for layer in layout.layers[:-1]:
      scores, norms = reference.impact(weights, layout, layer.name, bounds)
      count = int(np.ceil(0.3 * layer.units))
      expected = reference.greedy_pairs(scores, norms, count)
      found = zip(
        record[f'{layer.name}/units'].tolist(),
        record[f'{layer.name}/partners'].tolist(),
      )
      assert list(found) == expected
      np.testing.assert_allclose(
        record[f'{layer.name}/scores'],
        [scores[a, b] for b, a in expected],
        rtol=1e-6,
      )

  def test_wide_weights_are_ranked_by_the_norm(self):
    # Every score is 0.75 + 0.25 sigmoid(ENT): the l1 norm decides.
    layout = reference.perceptron([30, 10, 8, 1])
    weights = reference.random_weights(layout, seed=1, scale=4.0)
    _, _, record = prune(layout, weights, fraction=0.2)
    bounds = reference.unit_bounds(weights, layout)
    scores, norms = reference.impact(weights, layout, 'dense_0', bounds)
    assert len(set(scores[~np.eye(10, dtype=bool)])) == 1
    expected = reference.greedy_pairs(scores, norms, 2)
    assert record['dense_0/units'].tolist() == [b for b, _ in expected]

  def test_lowest_filters_go_with_bias_and_norm(self):
    layout = reference.convolutional()
    weights = reference.random_weights(layout)
    pruned, mask, record = prune(layout, weights, fraction=0.5)
    for name in ('conv_0', 'conv_1'):
      kernel = reference.part(weights, layout[name].kernel)
      norms = np.abs(kernel).sum((0, 1, 2))
      expected = np.argsort(norms)[: layout[name].units // 2]
      assert record[f'{name}/units'].tolist() == expected.tolist()
      np.testing.assert_allclose(
        record[f'{name}/scores'], norms[expected], rtol=1e-6
      )
      assert not reference.part(pruned, layout[name].kernel)[
        ..., expected
      ].any()
      assert not reference.part(pruned, layout[name].bias)[expected].any()
    for span in layout['norm_0'].spans.values():
      zeros = np.flatnonzero(reference.part(pruned, span) == 0)
      assert zeros.tolist() == sorted(record['conv_0/units'])
      assert mask[span.start : span.stop].sum() == 2

  def test_l1_prunes_units_without_partner(self):
    layout, weights = reference.example()
    pruned, _, record = prune(layout, weights, criterion='l1')
    assert record['dense_0/units'].tolist() == [0]
    assert 'dense_0/partners' not in record
    np.testing.assert_array_equal(
      reference.part(pruned, layout['dense_1'].kernel)[1:],
      reference.part(weights, layout['dense_1'].kernel)[1:],
    )

  def test_released_code_passes_over_the_lowest_pair(self):
    layout = reference.perceptron([5, 7, 6, 3])
    weights = reference.random_weights(layout, seed=2)
    options = {'criterion': 'saliency', 'replication': 'flap_code'}
    pruned, mask, record = prune(layout, weights, **options)
    for index in range(2):
      hidden, consumer = layout.layers[index : index + 2]
      kernel = reference.part(weights, consumer.kernel)
      norms = np.linalg.norm(kernel, axis=1)
      # Weighed by the kept unit: |A_a| in the place of |A_b|.
      scores = reference.saliency(
        reference.part(weights, hidden.kernel),
        reference.part(weights, hidden.bias),
        kernel,
      )
      scores = scores / norms[None, :] * norms[:, None]
      np.fill_diagonal(scores, np.inf)
      second = np.argsort(scores, axis=None)[1]
      kept, removed = divmod(int(second), hidden.units)
      assert record[f'{hidden.name}/units'].tolist() == [removed]
      assert record[f'{hidden.name}/partners'].tolist() == [kept]
      # Only the outgoing weights are edited.
      np.testing.assert_array_equal(
        reference.part(pruned, hidden.bias),
        reference.part(weights, hidden.bias),
      )
      rows = reference.part(mask, consumer.kernel).any(1)
      assert np.flatnonzero(rows).tolist() == [removed]

  def test_released_code_needs_two_hidden_layers(self):
    layout = reference.convolutional()
    weights = reference.random_weights(layout)
    options = {'criterion': 'saliency', 'replication': 'flap_code'}
    _, _, record = prune(layout, weights, **options)
    assert 'conv_0/units' in record
    assert 'dense_0/units' not in record


def test_keras_model_with_flatten_between_conv_and_dense():
  layers = tf.keras.layers
  inputs = layers.Input((6, 6, 1))
  x = layers.Conv2D(3, 3, activation='relu')(inputs)
  x = layers.MaxPooling2D()(layers.BatchNormalization()(x))
  x = layers.ReLU()(layers.Dense(8)(layers.Flatten()(x)))
  model = FlatModel(tf.keras.Model(inputs, layers.Dense(4)(x)))
  weights = model.initial_weights(seed=1)
  pruned, _, record = prune(model.layout, weights)
  names = [layer.name for layer in model.layout.of_kind('conv', 'dense')]
  assert [f'{name}/units' in record for name in names] == [True, True, False]
  # The pruned unit is silent: any input weights for it change nothing.
  x = np.random.default_rng(0).uniform(size=[4, 6, 6, 1]).astype(np.float32)
  unit = int(record[f'{names[1]}/units'][0])
  kernel = model.layout[names[1]].kernel
  disturbed = pruned.copy()
  disturbed[kernel.start + unit : kernel.stop : 8] = 9.0
  np.testing.assert_array_equal(
    model.logits(tf.constant(pruned), x), model.logits(disturbed, x)
  )
