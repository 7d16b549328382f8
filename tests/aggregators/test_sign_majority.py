"""SignSGD with majority vote."""

import numpy as np
import rule_cases

from flsec import aggregators


def test_worked_example():
  x = np.array([[1, -2, 0], [3, 5, -1], [-1, 0.1, 1]], np.float32)
  np.testing.assert_array_equal(
    aggregators.build('sign_majority')(x), [1, 1, 0]
  )


def test_it_is_odd_and_blind_to_size():
  rule, x = aggregators.build('sign_majority'), rule_cases.stack(0)
  plain = rule(x)
  assert set(np.unique(plain)) <= {-1.0, 0.0, 1.0}
  np.testing.assert_array_equal(rule(-x), -plain)
  np.testing.assert_array_equal(rule(x * np.float32(1e-8)), plain)
  np.testing.assert_array_equal(plain, np.sign(np.sign(x).sum(axis=0)))


def test_a_huge_row_has_one_vote():
  x = np.array([[1.0], [1.0], [-1e38]], np.float32)
  assert aggregators.build('sign_majority')(x) == 1.0
