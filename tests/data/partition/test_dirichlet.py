import numpy as np
import pytest

from flsec.data.partition import dirichlet
from flsec.data.partition.dirichlet import (
  counts_by_class,
  counts_by_client,
  fill_lowest,
  spread_leftovers,
)

_LABELS = np.repeat(np.arange(10), 200)


def _counts(parts, labels=_LABELS):
  return np.stack([np.bincount(labels[p], minlength=10) for p in parts])


def test_worked_example_by_client():
  shares = np.array([[0.7, 0.3], [0.2, 0.8], [0.5, 0.5]])
  counts = counts_by_client(shares, np.array([100, 100]))
  np.testing.assert_array_equal(counts, [[50, 18], [14, 50], [35, 31]])
  assert 200 - counts.sum() == 2


def test_worked_example_leftovers_go_to_those_with_least():
  counts = np.array([[50, 18], [14, 50], [35, 31]])  # Sizes 68, 64, 66.
  added = spread_leftovers(
    counts.sum(axis=1), np.array([1, 1]), np.random.default_rng(0)
  )
  np.testing.assert_array_equal(added, [[0, 0], [1, 1], [0, 0]])


def _fill_reference(sizes, amount):
  sizes, gifts = list(sizes), [0] * len(sizes)
  for _ in range(amount):
    lowest = min(range(len(sizes)), key=lambda i: (sizes[i], i))
    sizes[lowest] += 1
    gifts[lowest] += 1
  return gifts


def test_fill_lowest_equals_a_loop():
  rng = np.random.default_rng(0)
  for _ in range(200):
    sizes = rng.integers(0, 12, rng.integers(1, 9))
    amount = int(rng.integers(0, 40))
    np.testing.assert_array_equal(
      fill_lowest(sizes, amount), _fill_reference(sizes, amount)
    )


def test_counts_by_class_cut_at_cumulative_shares():
  shares = np.array([[0.25, 0.5, 0.25], [0.0, 1.0, 0.0], [0.1, 0.2, 0.7]])
  counts = counts_by_class(shares, np.array([10, 7, 10]))
  # floor(2.5), floor(7.5), 10; the last: 0.1 + 0.2 is above 0.3 by a rounding.
  np.testing.assert_array_equal(counts.T, [[2, 5, 3], [0, 7, 0], [1, 2, 7]])


def test_shares_that_sum_to_almost_one_use_every_example():
  counts = counts_by_class(np.array([[0.5, 0.4999999]]), np.array([10]))
  np.testing.assert_array_equal(counts, [[5], [5]])


def test_a_class_that_no_client_drew_is_left_over():
  shares = np.array([[1.0, 0.0], [1.0, 0.0]])
  counts = counts_by_client(shares, np.array([4, 5]))
  np.testing.assert_array_equal(counts, [[2, 0], [2, 0]])


@pytest.mark.parametrize('by', ['client', 'class'])
def test_large_alpha_is_even_and_small_alpha_is_skewed(by):
  def spread(alpha):
    counts = _counts(dirichlet(_LABELS, 20, alpha=alpha, by=by, min_samples=0))
    return np.abs(counts - 10).mean()  # 10 of each class is even.

  assert spread(1e5) < 1
  assert spread(1e5) < spread(1.0) < spread(0.05)
  assert spread(0.05) > 10


def test_shares_by_class_have_the_moments_of_the_distribution():
  """Var q = (1/N)(1 - 1/N) / (N alpha + 1)."""
  labels = np.repeat(np.arange(10), 5_000)
  draws = [
    dirichlet(labels, 50, alpha=2.0, by='class', min_samples=0, seed=seed)
    for seed in range(20)
  ]
  shares = np.stack([_counts(parts, labels) for parts in draws]) / 5_000
  np.testing.assert_allclose(shares.mean(), 1 / 50)
  expected = (1 / 50) * (49 / 50) / (50 * 2.0 + 1)
  # The excess kurtosis is about 3, so this many draws are within 2.2 %, one
  # standard deviation.
  np.testing.assert_allclose(shares.var(), expected, rtol=0.1)


def test_few_examples_are_drawn_again_until_min_samples():
  parts = dirichlet(_LABELS, 10, alpha=1.0, by='class', min_samples=60)
  assert min(map(len, parts)) >= 60


def test_gives_up_after_ten_draws():
  with pytest.raises(ValueError, match=r'in 10 draws. Raise alpha'):
    dirichlet(_LABELS, 100, alpha=0.01, by='class', min_samples=10)


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'alpha': 0.0}, 'alpha must be above 0'),
    ({'alpha': float('nan')}, 'alpha must be above 0'),
    ({'alpha': float('inf')}, 'alpha must be above 0'),
    ({'alpha': 1.0, 'by': 'label'}, "'client' or 'class'; got 'label'"),
    ({'alpha': 1.0, 'min_samples': -1}, 'min_samples must be at least 0'),
  ],
)
def test_refuses_options_out_of_range(options, message):
  with pytest.raises(ValueError, match=message):
    dirichlet(_LABELS, 10, **options)
