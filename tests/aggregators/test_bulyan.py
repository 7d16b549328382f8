"""Bulyan."""

import numpy as np
import pytest
import rule_cases
import rule_references as reference
import tensorflow as tf

from flsec import aggregators
from flsec.aggregators import bulyan

EXAMPLE = np.array([[0.0], [1], [2], [3], [4], [5], [100]], np.float32)


@pytest.mark.parametrize('replication', ['none', 'flbyz'])
def test_worked_example(replication):
  rule = aggregators.build('bulyan', num_byzantine=1, replication=replication)
  update, measured = rule_cases.apply(rule, EXAMPLE)
  np.testing.assert_allclose(update, [2.0])
  np.testing.assert_allclose(
    measured['selected'], [0.2, 0.2, 0.2, 0.2, 0.2, 0, 0], rtol=1e-6
  )


@pytest.mark.parametrize('f', [0, 1, 2, 3])
@pytest.mark.parametrize('scale', [1.0, 1e-5, 1e-8])
def test_the_iterative_choice_and_the_result(f, scale):
  x = rule_cases.stack(f, clients=17) * np.float32(scale)
  distances = tf.constant(reference.squared_distances(x))
  np.testing.assert_array_equal(
    bulyan.select(distances, f, len(x) - 2 * f), reference.bulyan_choice(x, f)
  )
  rule = aggregators.build('bulyan', num_byzantine=f)
  assert rule_cases.is_close(rule(x), reference.bulyan(x, f))


def test_choosing_one_by_one_is_not_choosing_at_once():
  x = rule_cases.stack(5, clients=19)
  x[:5] += 3
  rules = [
    aggregators.build('bulyan', num_byzantine=4, replication=one)
    for one in bulyan.REPLICATIONS
  ]
  chosen = [rule_cases.apply(rule, x)[1]['selected'] > 0 for rule in rules]
  assert chosen[0].sum() == chosen[1].sum() == 11
  assert np.any(chosen[0] != chosen[1])


def test_the_variant_trims_its_choice():
  x = rule_cases.stack(6, clients=19)
  f, theta = 4, 11
  scores = reference.krum_scores(reference.squared_distances(x), len(x) - f - 2)
  chosen = x[np.argsort(scores, kind='stable')[:theta]]
  rule = aggregators.build('bulyan', num_byzantine=f, replication='flbyz')
  assert rule_cases.is_close(rule(x), reference.trimmed_mean(chosen, f))


def test_refusals():
  with pytest.raises(ValueError, match='num_byzantine must be 0 or more'):
    aggregators.build('bulyan', num_byzantine=-2)
  with pytest.raises(ValueError, match="none, flbyz; got 'flap'"):
    aggregators.build('bulyan', num_byzantine=1, replication='flap')
  rule = aggregators.build('bulyan', num_byzantine=5)
  with pytest.raises(ValueError, match=r'at least 23 clients \(n >= 4 f \+ 3'):
    rule(rule_cases.stack(0, clients=20))
