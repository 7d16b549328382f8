"""Centered clipping."""

import numpy as np
import pytest
import rule_cases
import rule_references as reference
import tensorflow as tf

from flsec import aggregators
from flsec.aggregators.rule import ServerContext

EXAMPLE = np.array([[3.0, 4.0], [0.6, 0.0], [0.0, 0.0]], np.float32)


@pytest.mark.parametrize(
  ('steps', 'wanted'), [(1, [0.4, 0.266667]), (2, [0.523831, 0.362424])]
)
def test_worked_example(steps, wanted):
  rule = aggregators.build('centered_clipping', num_iterations=steps)
  np.testing.assert_allclose(rule(EXAMPLE), wanted, rtol=1e-5)


def test_the_next_round_starts_from_the_last_result():
  rule = aggregators.build('centered_clipping', radius=0.5, num_iterations=3)
  state, centre = rule.initialize(48), np.zeros(48)
  for seed in range(3):
    x = rule_cases.stack(seed)
    state, update, _ = rule.next(
      state, tf.constant(x), tf.ones([len(x)]), ServerContext()
    )
    centre = reference.centered_clipping(x, 0.5, 3, centre)
    assert rule_cases.is_close(update, centre)
    np.testing.assert_array_equal(state, update)


def test_a_wide_radius_is_the_mean():
  x = rule_cases.stack(4)
  rule = aggregators.build('centered_clipping', radius=1e6)
  assert rule_cases.is_close(rule(x), x.mean(axis=0))


@pytest.mark.parametrize('size', [1e6, 1e30, 1e37])
def test_a_far_row_moves_the_result_by_the_radius_at_most(size):
  x = np.zeros((4, 3), np.float32)
  x[2] = [size, 0, 0]
  found = aggregators.build('centered_clipping', radius=2.0)(x)
  np.testing.assert_allclose(found, [0.5, 0, 0], rtol=1e-5)


@pytest.mark.parametrize('radius', [0.0, -1.0, float('nan')])
def test_a_radius_that_is_not_positive_is_refused(radius):
  with pytest.raises(ValueError, match=r'radius \(tau\) must be above 0'):
    aggregators.build('centered_clipping', radius=radius)


def test_no_iterations_are_refused():
  with pytest.raises(ValueError, match='num_iterations must be 1 or more'):
    aggregators.build('centered_clipping', num_iterations=0)
