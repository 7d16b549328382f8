"""The weighted mean."""

import numpy as np
import rule_cases

from flsec import aggregators

ROWS = np.array([[1.0, 2.0], [3.0, -2.0]], np.float32)


def test_weights_are_numbers_of_examples():
  rule = aggregators.build('mean')
  weights = np.array([1.0, 3.0], np.float32)
  update, measured = rule_cases.apply(rule, ROWS, weights)
  np.testing.assert_allclose(update, [2.5, -1.0])
  np.testing.assert_allclose(measured['selected'], [0.25, 0.75])


def test_no_examples_at_all_give_zero_where_that_is_the_policy():
  rule = aggregators.build('mean', on_too_few='skip')
  np.testing.assert_array_equal(
    rule(ROWS, weights=np.zeros(2, np.float32)), np.zeros(2)
  )


def test_unweighted():
  rule = aggregators.build('mean', weighted=False)
  weights = np.array([1.0, 3.0], np.float32)
  np.testing.assert_allclose(rule(ROWS, weights=weights), [2.0, 0.0])


def test_only_the_weighted_mean_may_be_streamed():
  assert aggregators.build('mean').is_weighted_mean
  assert not aggregators.build('mean', weighted=False).is_weighted_mean
  assert not aggregators.build('median').is_weighted_mean
