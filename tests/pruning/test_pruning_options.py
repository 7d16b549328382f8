"""FLAP's options: refusals, defaults, residual blocks."""

import flap_reference as reference
import numpy as np
import pytest
import tensorflow as tf
from flap_reference import prune

from flsec import pruning, registry


class TestResidual:
  def chosen(self, residual):
    layout = reference.residual()
    weights = reference.random_weights(layout)
    return layout, weights, prune(layout, weights, residual=residual)[2]

  def test_inner_leaves_tied_layers(self):
    _, _, record = self.chosen('inner')
    assert {key.split('/')[0] for key in record} == {'inner'}

  def test_tied_prunes_the_group_by_summed_norms(self):
    layout, weights, record = self.chosen('tied')
    norms = sum(
      np.abs(reference.part(weights, layout[name].kernel)).sum((0, 1, 2))
      for name in ('stem', 'second')
    )
    for name in ('stem', 'second'):
      assert record[f'{name}/units'].tolist() == [int(np.argmin(norms))]
    assert 'inner/units' in record

  def test_skip_finds_nothing_here(self):
    with pytest.raises(ValueError, match='nothing to prune'):
      self.chosen('skip')


class TestRefusals:
  @pytest.mark.parametrize(
    ('options', 'message'),
    [
      ({'fraction': 0.0}, r'fraction must be in \(0, 1\]; got 0.0'),
      ({'fraction': 1.5}, 'fraction must be in'),
      ({'fraction': float('nan')}, 'fraction must be in'),
      ({'criterion': 'impcat'}, "did you mean 'impact'"),
      ({'criterion': 'apoz'}, 'Allowed: impact, saliency, l1'),
      ({'merge': 'mean'}, 'Allowed: sum, double'),
      ({'residual': 'all'}, 'Allowed: inner, tied, skip'),
      ({'replication': 'paper'}, 'Allowed: none, flap_code'),
      ({'layers': ['lstm']}, 'Allowed: conv, dense'),
      ({'layers': []}, 'must be a list'),
      ({'layers': 'conv'}, 'must be a list'),
      ({'start_round': 0}, 'start_round must be in 1, 2'),
      ({'every': 0}, 'every must be in 1, 2'),
      ({'l1_weight': -1.0}, 'must be at least 0'),
      ({'l1_weight': 0.0, 'entropy_weight': 0.0}, 'one of them above'),
      ({'similarity_threshold': 1.1}, r'must be in \[0, 1\]'),
      ({'replication': 'flap_code'}, "is defined for criterion 'saliency'"),
      (
        {'replication': 'flap_code', 'skip_zero': True},
        "'flap_code' chooses zero units again",
      ),
    ],
  )
  def test_options(self, options, message):
    with pytest.raises(ValueError, match=message):
      pruning.build('flap', **options)

  def test_nothing_to_prune(self):
    layout = reference.perceptron([4, 3])
    with pytest.raises(ValueError, match='nothing to prune'):
      prune(layout, reference.random_weights(layout))


def test_defaults_are_the_papers():
  pruner = pruning.build('flap')
  due = [r for r in range(1, 31) if bool(pruner.is_due(tf.constant(r)))]
  assert due == [1, 6, 11, 16, 21, 26]
  assert not pruner.persistent
  options = {
    o.name: o.default for o in registry.entry('pruner', 'flap').options
  }
  assert options['fraction'] == 0.01
  assert options['skip_zero'] is False
  assert (options['l1_weight'], options['entropy_weight']) == (0.75, 0.25)
