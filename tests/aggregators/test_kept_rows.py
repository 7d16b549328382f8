import numpy as np
import pytest
import server_cases
import tensorflow as tf

from flsec import aggregators
from flsec.aggregators.kept_rows import apply_to_kept

ROWS = np.array([[1.0], [2], [4], [8], [100]], np.float32)


def apply(name, order, count, possible):
  rule = aggregators.build(name, screened=False)
  state, update, measured = apply_to_kept(
    rule,
    rule.initialize(1),
    tf.constant(ROWS),
    tf.ones(5),
    server_cases.context(),
    tf.constant(order),
    tf.constant(count),
    possible,
  )
  return state, update.numpy(), measured['selected'].numpy()


@pytest.mark.parametrize(
  'possible', [None, range(3, 4), range(2, 4), range(1, 6)]
)
@pytest.mark.parametrize(
  ('name', 'wanted', 'shares'),
  [
    ('mean', 13 / 3, [1 / 3, 0, 1 / 3, 1 / 3, 0]),
    ('median', 4.0, None),
  ],
)
def test_only_the_first_rows_of_the_order_count(name, wanted, shares, possible):
  _, update, selected = apply(name, [3, 0, 2, 4, 1], 3, possible)
  np.testing.assert_allclose(update, [wanted], rtol=1e-6)
  np.testing.assert_array_equal(selected[[1, 4]], [0, 0])
  if shares:
    np.testing.assert_allclose(selected, shares, rtol=1e-6)


def test_the_state_of_the_rule_is_passed_on():
  state, update, _ = apply('centered_clipping', [0, 1, 2, 3, 4], 2, None)
  np.testing.assert_allclose(state, update)
  np.testing.assert_allclose(update, [1.0])
