"""Which units and pairs are picked."""

import flap_reference as reference
import numpy as np
import pytest
import tensorflow as tf

from flsec.pruning.matching import match_pairs, smallest_units

ALL = [True] * 4


def units(scores, eligible, count):
  found = smallest_units(
    tf.constant(scores, tf.float64), tf.constant(eligible), count
  )
  return [tensor.numpy().tolist() for tensor in found]


def pairs(scores, eligible, count, tie_breaks=None, **options):
  scores = tf.constant(scores, tf.float64)
  tie_breaks = (
    scores if tie_breaks is None else tf.constant(tie_breaks, tf.float64)
  )
  found = match_pairs(
    scores, tie_breaks, tf.constant(eligible), count, **options
  )
  return [tensor.numpy().tolist() for tensor in found]


class TestSmallestUnits:
  def test_lowest_first_and_ties_by_index(self):
    assert units([2, 1, 3, 1], ALL, 2) == [[1, 3], [1.0, 1.0]]

  def test_dead_units_are_left_out(self):
    eligible = [False, True, True, True]
    assert units([0, 3, 1, 2], eligible, 1) == [[2], [1.0]]

  def test_one_eligible_unit_is_left(self):
    eligible = [True, False, True, False]
    assert units([1, 0, 2, 0], eligible, 4)[0] == [0, -1, -1, -1]

  def test_not_finite_scores_are_not_picked(self):
    found = units([np.nan, 1, np.inf, 2], ALL, 4)
    assert found == [[1, -1, -1, -1], [1.0, 0.0, 0.0, 0.0]]


class TestMatchPairs:
  @pytest.mark.parametrize('count', [1, 3, 5])
  def test_matches_a_sorted_walk(self, count):
    scores = np.random.default_rng(count).uniform(size=[11, 11])
    removed, partners, values = pairs(scores, [True] * 11, count)
    expected = reference.greedy_pairs(scores, scores, count)
    assert list(zip(removed, partners)) == expected
    np.testing.assert_allclose(
      values, [scores[a, b] for b, a in expected], rtol=1e-6
    )
    assert len({*removed, *partners}) == 2 * count

  def test_ties_go_by_the_second_key_then_by_index(self):
    scores = np.ones([4, 4])
    assert pairs(scores, ALL, 2, np.ones([4, 4]))[:2] == [[1, 3], [0, 2]]
    second = np.ones([4, 4])
    second[3, 1] = 0.5
    assert pairs(scores, ALL, 1, second)[:2] == [[1], [3]]

  def test_at_most_half_the_units_go(self):
    assert len(pairs(np.ones([5, 5]), [True] * 5, 9)[0]) == 2

  def test_dead_units_are_neither_removed_nor_kept(self):
    scores = np.ones([4, 4])
    scores[0] = scores[:, 0] = 0.0
    eligible = [False, True, False, True]
    assert pairs(scores, eligible, 2) == [[3, -1], [1, -1], [1.0, 0.0]]

  def test_units_that_may_not_keep_are_still_removed(self):
    scores = np.ones([4, 4])
    scores[:, 0] = scores[0] = 0.0
    may_keep = tf.constant([False, True, True, True])
    # Without the bound the first pair is (0, 1): 1 removed, 0 kept.
    assert pairs(scores, ALL, 1)[:2] == [[1], [0]]
    assert pairs(scores, ALL, 1, may_keep=may_keep)[:2] == [[0], [1]]
    nobody = tf.zeros([4], tf.bool)
    assert pairs(scores, ALL, 1, may_keep=nobody)[:2] == [[-1], [-1]]

  def test_a_unit_does_not_pair_with_itself(self):
    scores = 1.0 - np.eye(4)
    removed, partners, _ = pairs(scores, ALL, 2)
    assert all(b != a for b, a in zip(removed, partners))

  def test_skip_first_passes_over_the_lowest_pair_only(self):
    scores = np.arange(16.0).reshape(4, 4)[::-1, ::-1]
    # The lowest is (3, 2); its reverse is still open.
    assert pairs(scores, ALL, 1)[:2] == [[2], [3]]
    assert pairs(scores, ALL, 1, skip_first=True)[:2] == [[1], [3]]

  def test_not_finite_scores_pick_nothing(self):
    scores = np.ones([4, 4])
    scores[1, 2] = np.nan
    assert pairs(scores, ALL, 1) == [[-1], [-1], [0.0]]
