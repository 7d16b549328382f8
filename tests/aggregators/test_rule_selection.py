"""Choosing by score."""

import numpy as np
import pytest
import tensorflow as tf

from flsec.numerics import backend, selection


def test_ties_go_to_the_lowest_index():
  scores = tf.constant([5.0, 2, 5, 2, 9], tf.float64)
  np.testing.assert_array_equal(selection.smallest(scores, 3), [1, 3, 0])
  np.testing.assert_array_equal(selection.largest(scores, 3), [4, 0, 2])


@pytest.mark.parametrize('has_accelerator', [False, True])
def test_the_largest_are_told_with_ties_to_the_lowest(
  monkeypatch, has_accelerator
):
  monkeypatch.setattr(backend, 'has_accelerator', lambda: has_accelerator)
  scores = tf.constant([5.0, 2, 5, float('nan'), 2, 9, -np.inf])
  order = [5, 0, 2, 1, 4]
  for count in range(len(order) + 1):
    found = selection.are_largest(scores, tf.constant(count))
    wanted = np.isin(np.arange(7), order[:count])
    np.testing.assert_array_equal(found, wanted)
  np.testing.assert_array_equal(selection.are_largest(scores, 7), np.ones(7))


def test_the_largest_are_those_that_sorting_finds():
  scores = np.random.default_rng(3).integers(0, 50, 400).astype(np.float32)
  order = np.argsort(-scores, kind='stable')
  for count in (1, 17, 200, 399, 400):
    found = selection.are_largest(tf.constant(scores), count)
    np.testing.assert_array_equal(np.flatnonzero(found), sorted(order[:count]))


def test_members_and_shares():
  mask = selection.members(tf.constant([3, 1]), 5)
  np.testing.assert_array_equal(mask, [0, 1, 0, 1, 0])
  np.testing.assert_array_equal(
    selection.equal_shares(mask), [0, 0.5, 0, 0.5, 0]
  )


def test_an_empty_mask_has_no_shares_and_no_nan():
  shares = selection.equal_shares(tf.zeros([3]))
  np.testing.assert_array_equal(shares, np.zeros(3))
  np.testing.assert_array_equal(
    selection.weighted_sum(shares, tf.ones([3, 2])), np.zeros(2)
  )


def test_a_row_with_coefficient_zero_leaves_no_trace():
  rows = tf.constant([[1.0, 2.0], [1e38, -1e38]])
  found = selection.weighted_sum(tf.constant([0.5, 0.0], tf.float64), rows)
  np.testing.assert_array_equal(found, [0.5, 1.0])


@pytest.mark.parametrize('sign', [1, -1])
def test_means_at_the_end_of_the_range_stay_in_it(sign):
  largest = np.float32(sign) * np.finfo(np.float32).max
  # Of some of these numbers of rows, the rounded shares pass 1 together.
  for rows in range(1, 64):
    shares = selection.equal_shares(tf.ones([rows]))
    found = selection.weighted_sum(shares, tf.fill([rows, 3], largest))
    # As many roundings as rows, and one of each share.
    wanted = largest * (1 - 2 * rows * 2.0**-24)
    assert np.all(np.isfinite(found)), rows
    assert np.all(np.abs(found) >= np.abs(wanted)), rows


def test_a_row_that_is_not_finite_is_not_hidden():
  rows = tf.constant([[np.inf, -np.inf, np.nan, 1], [1, 1, 1, 1]])
  found = selection.weighted_sum(tf.constant([0.5, 0.5]), rows)
  np.testing.assert_array_equal(found, [np.inf, -np.inf, np.nan, 1])
