"""What holds of FLAP whatever the weights."""

import flap_reference as reference
import numpy as np
import pytest
import tensorflow as tf
from flap_reference import prune

from flsec import pruning
from flsec.pruning.pruner import PruningContext


class TestProperties:
  @pytest.mark.parametrize('criterion', ['impact', 'saliency', 'l1'])
  def test_output_layer_and_everything_unmasked_but_partners_stay(
    self, criterion
  ):
    layout = reference.convolutional()
    weights = reference.random_weights(layout)
    pruned, mask, record = prune(
      layout, weights, fraction=0.2, criterion=criterion
    )
    assert pruned.shape == mask.shape == (layout.size,)
    assert not pruned[mask].any()
    changed = (pruned != weights) & ~mask
    partners = record.get('dense_0/partners', [])
    kernel = layout['dense_1'].kernel
    merged = np.zeros(kernel.shape, bool)
    merged[list(partners)] = True
    inside = np.zeros(layout.size, bool)
    inside[kernel.start : kernel.stop] = merged.ravel()
    np.testing.assert_array_equal(changed, inside)
    bias = layout['dense_1'].bias
    assert not mask[bias.start : bias.stop].any()

  @pytest.mark.parametrize('criterion', ['impact', 'saliency'])
  def test_permuting_units_permutes_the_choice(self, criterion):
    layout = reference.perceptron([5, 9, 4])
    weights = reference.random_weights(layout, seed=5)
    order = np.random.default_rng(0).permutation(9)
    hidden, output = layout.layers
    permuted = np.concatenate(
      [
        reference.part(weights, hidden.kernel)[:, order].ravel(),
        reference.part(weights, hidden.bias)[order],
        reference.part(weights, output.kernel)[order].ravel(),
        reference.part(weights, output.bias),
      ]
    ).astype(np.float32)
    options = {'fraction': 0.3, 'criterion': criterion}
    _, _, first = prune(layout, weights, **options)
    _, _, second = prune(layout, permuted, **options)
    for key in ('dense_0/units', 'dense_0/partners'):
      assert order[second[key]].tolist() == first[key].tolist()

  @pytest.mark.parametrize(
    ('fraction', 'expected'), [(0.01, [1, 1, 1]), (0.25, [1, 2, 2])]
  )
  def test_counts(self, fraction, expected):
    layout = reference.convolutional()
    _, _, record = prune(
      layout, reference.random_weights(layout), fraction=fraction
    )
    names = ('conv_0', 'conv_1', 'dense_0')
    assert [len(record[f'{name}/units']) for name in names] == expected

  @pytest.mark.parametrize('criterion', ['impact', 'saliency', 'l1'])
  @pytest.mark.parametrize('merge', ['sum', 'double'])
  def test_pruning_twice_is_pruning_once(self, criterion, merge):
    # "1% of filters" and of hidden units: those that are zero are among them.
    layout = reference.convolutional()
    options = {'criterion': criterion, 'merge': merge, 'fraction': 0.25}
    weights = reference.random_weights(layout)
    once, first_mask, first = prune(layout, weights, **options)
    twice, second_mask, second = prune(layout, once, **options)
    np.testing.assert_array_equal(twice, once)
    np.testing.assert_array_equal(second_mask, first_mask)
    for name in ('conv_0', 'conv_1', 'dense_0'):
      chosen = [set(record[f'{name}/units']) for record in (first, second)]
      assert chosen[0] == chosen[1] != {-1}

  @pytest.mark.parametrize('criterion', ['impact', 'saliency'])
  def test_a_silent_unit_takes_over_from_nobody(self, criterion):
    layout, weights = reference.example()
    hidden = layout['dense_0']
    # Unit 0 is silent and heard: (0, 1) was the pair of lowest score.
    weights[[hidden.kernel.start, hidden.kernel.start + 3]] = 0.0
    _, _, record = prune(layout, weights, criterion=criterion)
    assert record['dense_0/partners'].tolist() != [0]

  def test_skip_zero_leaves_out_zero_units_for_good(self):
    layout = reference.convolutional()
    weights = reference.random_weights(layout)
    seen = {name: set() for name in ('conv_0', 'conv_1', 'dense_0')}
    options = {'criterion': 'saliency', 'skip_zero': True}
    for _ in range(3):
      weights, _, record = prune(layout, weights, **options)
      for name, units in seen.items():
        chosen = set(record[f'{name}/units'].tolist()) - {-1}
        partners = set(record.get(f'{name}/partners', np.array([])).tolist())
        assert not units & (chosen | partners)
        units |= chosen
    assert {name: len(units) for name, units in seen.items()} == {
      'conv_0': 3,
      'conv_1': 3,
      'dense_0': 3,
    }

  def test_one_unit_of_each_layer_is_left(self):
    layout = reference.convolutional()
    weights = reference.random_weights(layout)
    for _ in range(8):
      weights, _, record = prune(layout, weights, fraction=1.0, skip_zero=True)
    for name in ('conv_0', 'conv_1', 'dense_0'):
      kernel = reference.part(weights, layout[name].kernel)
      alive = kernel.any(axis=tuple(range(kernel.ndim - 1)))
      assert alive.sum() == 1
      assert set(record[f'{name}/units'].tolist()) == {-1}

  @pytest.mark.parametrize('skip_zero', [False, True])
  def test_one_unit_is_left_where_all_are_asked_for(self, skip_zero):
    layout = reference.convolutional()
    weights = reference.random_weights(layout)
    options = {'fraction': 1.0, 'criterion': 'l1', 'skip_zero': skip_zero}
    for _ in range(2):
      weights, _, _ = prune(layout, weights, **options)
    for name in ('conv_0', 'conv_1', 'dense_0'):
      kernel = reference.part(weights, layout[name].kernel)
      assert kernel.any(axis=tuple(range(kernel.ndim - 1))).sum() == 1

  def test_merging_equal_units_keeps_the_function(self):
    layout = reference.perceptron([4, 6, 3])
    weights = reference.random_weights(layout, seed=8)
    hidden, output = layout.layers
    kernel = reference.part(weights, hidden.kernel)
    kernel[:, 4] = kernel[:, 1]
    weights[hidden.kernel.start : hidden.kernel.stop] = kernel.ravel()
    weights[hidden.bias.start + 4] = weights[hidden.bias.start + 1]
    pruned, _, record = prune(layout, weights, criterion='saliency')
    found = {*record['dense_0/units'], *record['dense_0/partners']}
    assert found == {1, 4}
    assert record['dense_0/scores'].tolist() == [0.0]
    x = np.random.default_rng(1).uniform(size=[16, 4])
    before, after = (
      np.maximum(
        x @ reference.part(w, hidden.kernel) + reference.part(w, hidden.bias), 0
      )
      @ reference.part(w, output.kernel)
      for w in (weights, pruned)
    )
    np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-6)

  def test_a_layer_that_is_not_finite_loses_no_dense_unit(self):
    layout, weights = reference.example()
    weights[0] = np.nan
    pruned, mask, record = prune(layout, weights)
    np.testing.assert_array_equal(pruned, weights)
    assert record['dense_0/units'].tolist() == [-1]
    assert not mask.any()

  @pytest.mark.parametrize('criterion', ['impact', 'saliency', 'l1'])
  def test_compiles_under_xla(self, criterion):
    layout = reference.convolutional()
    weights = reference.random_weights(layout)
    pruner = pruning.build('flap', criterion=criterion, fraction=0.2)
    compiled = tf.function(
      lambda w: pruner.prune(w, layout, PruningContext())[0], jit_compile=True
    )
    expected, _, _ = prune(layout, weights, criterion=criterion, fraction=0.2)
    np.testing.assert_allclose(
      compiled(tf.constant(weights)), expected, rtol=1e-6
    )
