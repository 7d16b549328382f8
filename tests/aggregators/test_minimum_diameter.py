"""Minimum-diameter averaging."""

import numpy as np
import pytest
import rule_cases
import rule_references as reference

from flsec import aggregators


def test_worked_example():
  x = np.array([[0.0], [1], [2], [10], [11.5]], np.float32)
  rule = aggregators.build('minimum_diameter', num_byzantine=2)
  update, measured = rule_cases.apply(rule, x)
  np.testing.assert_allclose(update, [1.0])
  np.testing.assert_allclose(
    measured['selected'], [1 / 3] * 3 + [0, 0], rtol=1e-6
  )


@pytest.mark.parametrize('f', [0, 1, 3])
@pytest.mark.parametrize('scale', [1.0, 1e-5])
def test_values_with_and_without_a_dropped_row(f, scale):
  x = rule_cases.stack(f, clients=9) * np.float32(scale)
  rule = aggregators.build('minimum_diameter', num_byzantine=f)
  wanted = reference.minimum_diameter(x / np.float32(scale), f) * scale
  assert rule_cases.is_close(rule(x), wanted)
  with_bad = np.concatenate([np.full_like(x[:1], np.nan), x])
  assert rule_cases.is_close(rule(with_bad), wanted)


def test_two_subsets_with_the_same_two_ends_take_the_tighter():
  x = np.array([[0.0], [8.0], [1.0], [2.0], [9.0]], np.float32)
  rule = aggregators.build('minimum_diameter', num_byzantine=1)
  # Without 9, the ends are 0 and 8; without 0, they are 1 and 9: a tie of 8.
  wanted = reference.minimum_diameter(x, 1)
  np.testing.assert_allclose(rule(x), wanted)
  np.testing.assert_allclose(rule(x[::-1]), wanted)


def test_too_many_subsets_are_refused():
  rule = aggregators.build('minimum_diameter', num_byzantine=16)
  with pytest.raises(ValueError, match='at most 200,000 are allowed'):
    rule(rule_cases.stack(0, clients=80))
  with pytest.raises(ValueError, match='num_byzantine must be 0 or more'):
    aggregators.build('minimum_diameter', num_byzantine=-1)
