"""The geometric median."""

import median_stacks
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


@pytest.mark.parametrize('options', [{}, {'start': 'zero'}])
def test_two_clients_of_six_cannot_hold_it_at_one_of_their_rows(options):
  # The mean falls on the first row, and is no geometric median there.
  x = np.array([[0, 0], [4, 0], *[[-1, 0]] * 4], np.float32)
  rule = aggregators.build('geometric_median', **options)
  np.testing.assert_array_equal(rule(x), [-1, 0])


@pytest.mark.parametrize('start', ['mean', 'zero'])
def test_two_clients_of_ten_cannot_place_it(start):
  """The first row is anything, the second makes the mean fall on it."""
  rng = np.random.default_rng(4)
  x = rng.standard_normal((10, 30)).astype(np.float32)
  x[0] *= 80
  x[1] = 9 * x[0] - x[2:].sum(axis=0)
  found = aggregators.build('geometric_median', start=start)(x).numpy()
  least = median_stacks.least_cost(x.astype(np.float64))
  assert median_stacks.cost(x, found) <= (1 + 1e-6) * least
  assert np.linalg.norm(found) < 4


@pytest.mark.parametrize('options', [{}, {'tolerance': 0.0}])
def test_one_client_that_sends_zero_does_not_hold_a_start_at_zero(options):
  x = 3 + np.random.default_rng(5).standard_normal((8, 6)).astype(np.float32)
  x[2] = 0
  rule = aggregators.build('geometric_median', start='zero', **options)
  assert rule_cases.is_close(rule(x), reference.geometric_median(x), 1e-4)


def test_a_smoothed_iteration_that_starts_on_a_row_goes_on():
  x = np.array([[0, 0], [4, 0], *[[-1, 0]] * 4], np.float32)
  rule = aggregators.build('geometric_median', smoothing=1e-4)
  np.testing.assert_allclose(rule(x), [-1, 0], atol=1e-4)


@pytest.mark.parametrize('scale', [1e-8, 1.0, 1e8])
def test_its_cost_is_the_least(scale):
  rule = rule_cases.build('geometric_median')
  for number in range(24):
    kind, x = median_stacks.stack(number, 10, 5)
    x *= np.float32(scale / np.abs(x).max())
    found = rule(x).numpy()
    best = median_stacks.least_cost(x.astype(np.float64))
    # The result is rounded to float32, entry by entry.
    rounding = len(x) * np.linalg.norm(x, axis=1).max() * 2.0**-22
    assert (
      median_stacks.cost(x.astype(np.float64), found)
      <= (1 + 1e-6) * best + rounding
    ), kind


def test_tolerance_is_a_share_of_the_cost():
  x = rule_cases.stack(6).astype(np.float64)
  least = median_stacks.least_cost(x)
  for tolerance in (1e-1, 1e-6):
    for options in ({}, {'smoothing': 1e-9}):
      rule = aggregators.build(
        'geometric_median', tolerance=tolerance, **options
      )
      found = rule(x.astype(np.float32)).numpy()
      assert median_stacks.cost(x, found) <= (1 + tolerance) * least + 1e-5


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
