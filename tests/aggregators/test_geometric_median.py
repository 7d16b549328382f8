"""The geometric median."""

import numpy as np
import pytest
import rule_cases
import rule_references as reference

from flsec import aggregators

EXAMPLE = np.array([[0.0], [1.0], [10.0]], np.float32)


@pytest.mark.parametrize(
  ('options', 'wanted'),
  [
    ({'start': 'zero', 'smoothing': 0.1}, [0.180180, 0.325706, 0.540453]),
    ({'smoothing': 1e-6}, [2.42539, 1.62275, 1.19565, 1.03066]),
  ],
)
def test_worked_example(options, wanted):
  for steps, value in enumerate(wanted, start=1):
    rule = aggregators.build(
      'geometric_median', num_iterations=steps, tolerance=0.0, **options
    )
    np.testing.assert_allclose(rule(EXAMPLE), [value], rtol=1e-5)


def test_it_converges_to_the_median_of_a_line():
  np.testing.assert_allclose(
    aggregators.build('geometric_median')(EXAMPLE), [1.0], rtol=1e-6
  )


@pytest.mark.parametrize('start', ['mean', 'zero'])
@pytest.mark.parametrize('scale', [1.0, 1e-3, 1e-5, 1e-8])
def test_values(scale, start):
  x = rule_cases.stack(1) * np.float32(scale)
  x[-4:] *= 10
  rule = aggregators.build('geometric_median', start=start, tolerance=1e-9)
  assert rule_cases.is_close(rule(x), reference.geometric_median(x))


def test_rows_at_1e30_leave_the_median_of_the_others_and_a_push():
  x, _ = rule_cases.attacked(1e30)
  result = aggregators.build('geometric_median')(x).numpy()
  # In the limit, each far row pulls with a force of 1, whatever its size.
  nearer, _ = rule_cases.attacked(1e6)
  wanted = aggregators.build('geometric_median')(nearer)
  assert rule_cases.is_close(result, wanted, 1e-4)


def test_more_than_half_equal_rows_win():
  x = rule_cases.stack(2)
  x[:9] = x[0]
  result = aggregators.build('geometric_median')(x)
  assert rule_cases.is_close(result, x[0], 1e-6)


def test_weights_count_on_request():
  x = np.array([[0.0], [1.0]], np.float32)
  weights = np.array([3.0, 1.0], np.float32)
  rule = aggregators.build('geometric_median', weighted=True)
  np.testing.assert_allclose(rule(x, weights=weights), [0.0], atol=1e-6)
  rule = aggregators.build('geometric_median')
  np.testing.assert_allclose(rule(x, weights=weights), [0.5], atol=1e-6)


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'num_iterations': 0}, 'num_iterations must be 1 or more; got 0'),
    ({'tolerance': -1.0}, 'tolerance must be 0 or more'),
    ({'smoothing': -1e-9}, 'smoothing must be 0 or more'),
    ({'start': 'median'}, "start must be one of mean, zero; got 'median'"),
  ],
)
def test_refusals(options, message):
  with pytest.raises(ValueError, match=message):
    aggregators.build('geometric_median', **options)
