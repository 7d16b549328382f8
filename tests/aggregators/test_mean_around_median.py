"""The mean around the median."""

import numpy as np
import pytest
import rule_cases
import rule_references as reference

from flsec import aggregators


def test_worked_example():
  x = np.array([[0.0], [1], [2], [4], [100]], np.float32)
  # The median is 2; 0 and 4 tie for the third place, and the lower one wins.
  rule = aggregators.build('mean_around_median', num_byzantine=2)
  np.testing.assert_allclose(rule(x), [1.0])


@pytest.mark.parametrize('f', [0, 1, 4, 7])
@pytest.mark.parametrize('scale', [1.0, 1e-8])
def test_values(f, scale):
  x = rule_cases.stack(f) * np.float32(scale)
  rule = aggregators.build('mean_around_median', num_byzantine=f)
  wanted = reference.mean_nearest_median(x, len(x) - f)
  assert rule_cases.is_close(rule(x), wanted)


def test_refusals():
  with pytest.raises(ValueError, match='num_byzantine must be 0 or more'):
    aggregators.build('mean_around_median', num_byzantine=-1)
  rule = aggregators.build('mean_around_median', num_byzantine=2)
  with pytest.raises(ValueError, match='at least 5 clients'):
    rule(rule_cases.stack(0, clients=4))
