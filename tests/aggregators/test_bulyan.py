"""Bulyan."""

import collections

import numpy as np
import pytest
import rule_cases
import rule_references as reference
import tensorflow as tf

from flsec import aggregators
from flsec.aggregators import bulyan, ties
from flsec.aggregators.rule import ServerContext

EXAMPLE = np.array([[0.0], [1], [2], [3], [4], [5], [100]], np.float32)


def test_worked_example():
  rule = aggregators.build('bulyan', num_byzantine=1, replication='flbyz')
  update, measured = rule_cases.apply(rule, EXAMPLE)
  np.testing.assert_allclose(update, [2.0])
  np.testing.assert_allclose(
    measured['selected'], [0.2, 0.2, 0.2, 0.2, 0.2, 0, 0], rtol=1e-6
  )


def test_the_variant_scores_by_n_minus_f_minus_2_neighbours():
  # With four: 39, 22, 15, 18, 30, 35, 110, and 6 is chosen before 0; with three
  # it would be 14 for 0 and 19 for 6.
  x = np.array([[0.0], [1], [2], [3], [5], [6], [9]], np.float32)
  rule = aggregators.build('bulyan', num_byzantine=1, replication='flbyz')
  update, measured = rule_cases.apply(rule, x)
  np.testing.assert_allclose(update, [10 / 3], rtol=1e-6)
  np.testing.assert_array_equal(measured['selected'] > 0, [0, 1, 1, 1, 1, 1, 0])


def test_worked_example_of_ties():
  # Of seven with four neighbours each, 2 and 3 have the lowest score (10); the
  # other one follows. Of 0, 1, 4, 5, 100 with two, 1 and 4 tie (10); after 1,
  # say, 4 and 5 tie as a pair (1), and of the three that are left then, with no
  # neighbours at all, it is anyone's turn: the far one's, too.
  distances = tf.constant(reference.squared_distances(EXAMPLE))
  far, possible = collections.Counter(), collections.Counter()
  for place in (0, 6):
    rows = np.roll(np.arange(7), place + 1)  # Client `place` sends 100.
    assert EXAMPLE[rows][place] == 100
    moved = tf.gather(tf.gather(distances, rows), rows, axis=1)
    for seed in range(400):
      tied = np.random.default_rng(seed).permutation(7)
      chosen = bulyan.select(moved, 1, 5, tf.constant(tied, tf.int32))
      values = frozenset(EXAMPLE[rows[chosen.numpy()], 0].tolist())
      far[place] += 100.0 in values
      possible[values] += 1
  first = [{2, 3, 1, 4}, {2, 3, 1, 5}, {2, 3, 4, 0}]
  rest = {0, 1, 4, 5, 100}
  assert set(possible) <= {
    frozenset(one | {last}) for one in first for last in rest - one
  }
  # A third of 400 each, give or take six standard deviations, wherever it is.
  assert all(76 < far[place] < 190 for place in (0, 6))


@pytest.mark.parametrize('f', [0, 1, 2, 3])
@pytest.mark.parametrize('scale', [1.0, 1e-5, 1e-8])
def test_the_iterative_choice_and_the_result(f, scale):
  x = rule_cases.stack(f, clients=17) * np.float32(scale)
  distances = tf.constant(reference.squared_distances(x))
  context = ServerContext(seed=tf.constant([0, 0]))
  tied = ties.tie_order('bulyan', len(x), context)
  np.testing.assert_array_equal(
    bulyan.select(distances, f, len(x) - 2 * f, tied),
    reference.bulyan_choice(x, f, tied.numpy()),
  )
  rule = aggregators.build('bulyan', num_byzantine=f)
  assert rule_cases.is_close(rule(x), reference.bulyan(x, f, tied.numpy()))


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


@pytest.mark.parametrize('seed', range(6, 12))
def test_the_variant_trims_its_choice(seed):
  x = rule_cases.stack(seed, clients=19)
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
