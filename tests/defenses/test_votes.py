"""Tests of reports and votes."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from flsec.defenses import votes


class TestReports:
  def test_ranks_ascend_with_activation(self):
    activations = tf.constant([0.5, 0.1, 9.0, 0.2])
    np.testing.assert_array_equal(votes.ranks(activations), [3, 1, 4, 2])

  def test_equal_activations_are_ranked_by_channel(self):
    activations = tf.constant([1.0, 0.0, 0.0, 1.0, 0.0])
    np.testing.assert_array_equal(votes.ranks(activations), [4, 1, 2, 5, 3])

  @pytest.mark.parametrize(
    ('share', 'expected'),
    [
      (0.5, [1, 0, 1, 0]),
      (0.25, [1, 0, 1, 1]),
      (0.74, [1, 0, 1, 0]),  # floor(2.96) = 2.
      (0.75, [0, 0, 1, 0]),
      (0.1, [1, 1, 1, 1]),  # floor(0.4) = 0.
    ],
  )
  def test_bits_are_zero_for_the_least_active(self, share, expected):
    activations = tf.constant([0.5, 0.1, 9.0, 0.2])
    np.testing.assert_array_equal(votes.bits(activations, share), expected)

  def test_the_decimal_counts_and_not_its_binary_form(self):
    assert 0.29 * 100 < 29
    assert votes.num_dormant(0.29, 100) == 29
    assert votes.num_dormant(0.5, 5) == 2

  def test_reports_against_numpy(self):
    rng = np.random.default_rng(0)
    for _ in range(20):
      activations = rng.normal(size=31).astype(np.float32)
      found = votes.ranks(tf.constant(activations)).numpy()
      expected = [np.sum(activations <= value) for value in activations]
      np.testing.assert_array_equal(found, expected)
      assert votes.are_ranks(found)
      mask = votes.bits(tf.constant(activations), 0.3)
      np.testing.assert_array_equal(mask, np.array(expected) > 9)
      assert votes.are_bits(mask)

  @pytest.mark.parametrize(
    'report',
    [[1, 2, 2], [0, 1, 2], [2, 3, 4], [1, 3, 1000], [-1, 2, 3], [3, 3, 3]],
  )
  def test_what_is_no_permutation_is_no_ranking(self, report):
    assert not votes.are_ranks(tf.constant(report))

  def test_every_permutation_is_a_ranking(self):
    for report in itertools.permutations([1, 2, 3, 4]):
      assert votes.are_ranks(tf.constant(report))

  @pytest.mark.parametrize('report', [[0, 1, 2], [-1, 0, 1], [5, 5, 5]])
  def test_what_is_no_bit_is_no_mask(self, report):
    assert not votes.are_bits(tf.constant(report))
    assert votes.are_bits(tf.constant([0, 0, 0]))
    assert votes.are_bits(tf.constant([1, 0, 1]))


class TestVotes:
  # Two honest clients and one that reports the reverse.
  RANKS = np.array([[1, 2, 3, 4], [2, 1, 4, 3], [4, 3, 2, 1]])
  BITS = np.array([[0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 0, 0]])

  def test_ranking_by_hand(self):
    """Means 2.33, 2, 3 and 2.67."""
    order = votes.ranking_vote(self.RANKS.sum(axis=0))
    np.testing.assert_array_equal(order.channels, [1, 0, 3, 2])
    assert (order.tied, order.largest_tie) == (0, 0)

  def test_majority_by_hand(self):
    """Votes to keep: 1, 1, 2, 2."""
    order = votes.majority_vote(self.BITS.sum(axis=0))
    np.testing.assert_array_equal(order.channels, [0, 1, 2, 3])
    assert (order.tied, order.largest_tie) == (4, 2)

  def test_a_minority_does_not_turn_a_majority(self):
    rng = np.random.default_rng(3)
    honest = np.tile(rng.permutation(8) >= 4, (6, 1)).astype(int)
    lying = np.tile(1 - honest[0], (5, 1))
    order = votes.majority_vote(np.concatenate([honest, lying]).sum(axis=0))
    assert set(order.channels[:4]) == set(np.flatnonzero(honest[0] == 0))

  @pytest.mark.parametrize('vote', [votes.ranking_vote, votes.majority_vote])
  def test_against_a_float64_reference(self, vote):
    rng = np.random.default_rng(1)
    for num_clients in (1, 3, 10):
      reports = np.array([rng.permutation(12) + 1 for _ in range(num_clients)])
      means = reports.mean(axis=0, dtype=np.float64)
      expected = sorted(range(12), key=lambda c: (round(means[c], 9), c))
      order = vote(reports.sum(axis=0))
      np.testing.assert_array_equal(order.channels, expected)

  def test_seeded_ties_are_a_permutation_within_the_tie(self):
    sums = np.array([3, 0, 0, 0, 3, 0, 1, 0])
    orders = {
      tuple(votes.majority_vote(sums, ties='seeded', seed=seed).channels)
      for seed in range(20)
    }
    assert len(orders) > 5
    for order in orders:
      np.testing.assert_array_equal(sums[list(order)], np.sort(sums))
    first, again = (
      votes.ranking_vote(sums, ties='seeded', seed=7) for _ in range(2)
    )
    np.testing.assert_array_equal(first.channels, again.channels)
    assert (first.tied, first.largest_tie) == (7, 5)
