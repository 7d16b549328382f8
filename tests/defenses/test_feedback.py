"""Tests of clients' feedback."""

import numpy as np
import pytest

from flsec.defenses import feedback


def test_equal_clients_give_their_mean():
  found = feedback.combine([[0.9, 0.85], [0.7, 0.75]], [10, 10])
  np.testing.assert_allclose(found.accuracies, [0.8, 0.8], rtol=1e-12)
  assert (found.valid, found.dropped) == (2, 0)


def test_examples_weigh():
  found = feedback.combine([[1.0, 0.98], [0.4, 0.40]], [30, 20])
  # (30 * 1 + 20 * 0.4) / 50 and (30 * 0.98 + 20 * 0.4) / 50.
  np.testing.assert_allclose(found.accuracies, [0.76, 0.748], rtol=1e-12)


def test_a_lost_class_shows_where_a_median_would_hide_it():
  """3 of 10 clients hold the class, a third of their examples."""
  accuracies = np.full((10, 2), 0.9)
  accuracies[[1, 4, 8], 1] = 0.6
  found = feedback.combine(accuracies, np.full(10, 100))
  assert np.median(accuracies[:, 1]) == 0.9
  # Each of the three counts as having lost 0.1.
  np.testing.assert_allclose(found.accuracies, [0.9, 0.87], rtol=1e-12)


@pytest.mark.parametrize('lie', [0.0, 1.0])
def test_a_liar_moves_the_score_by_a_tenth_of_its_share(lie):
  rng = np.random.default_rng(0)
  honest = rng.uniform(0.8, 0.85, (10, 3))
  lying = honest.copy()
  lying[3, 1:] = lie
  a, b = (
    feedback.combine(rows, np.full(10, 50)).accuracies
    for rows in (honest, lying)
  )
  assert a[0] == b[0]
  assert np.abs(a - b).max() <= 0.1 * 2 / 10 + 1e-12  # Honest moved, too.
  flat = np.full((10, 3), 0.8)
  lying = flat.copy()
  lying[3, 1:] = lie
  moved = feedback.combine(lying, np.full(10, 50)).accuracies
  np.testing.assert_allclose(np.abs(moved[1:] - 0.8), 0.01, rtol=1e-9)


def test_a_claim_of_a_huge_shard_is_capped():
  accuracies = [[0.5, 0.5], [0.9, 0.9], [0.9, 0.9]]
  found = feedback.combine(accuracies, [10**9, 10, 10])
  # The median is 10, so the claim counts for 20.
  np.testing.assert_allclose(found.accuracies, 0.7, rtol=1e-12)


def test_what_is_no_share_does_not_count():
  nan = float('nan')
  accuracies = [
    [0.8, 0.7],
    [0.8, nan],
    [1.2, 0.5],
    [0.5, -0.1],
    [np.inf, 0.5],
    [0.4, 0.4],
    [0.4, 0.4],
  ]
  examples = [10, 10, 10, 10, 10, 0, -5]
  found = feedback.combine(accuracies, examples)
  np.testing.assert_allclose(found.accuracies, [0.8, 0.7], rtol=1e-12)
  assert (found.valid, found.dropped) == (1, 6)


def test_nobody_at_all_is_an_error():
  with pytest.raises(ValueError, match='None of the 2 clients gave feedback'):
    feedback.combine([[np.nan], [0.5]], [10, 0])


def _reference(accuracies, examples):
  """Float64, client by client."""
  middle = np.median(examples)
  weights = [min(e, 2 * middle) for e in examples]
  scores = []
  for k in range(len(accuracies[0])):
    total = 0.0
    for row, weight in zip(accuracies, weights):
      change = max(-0.1, min(0.1, row[k] - row[0]))
      total += weight * (row[0] + change)
    scores.append(total / sum(weights))
  return scores


def test_against_a_float64_reference_and_a_permutation():
  rng = np.random.default_rng(2)
  for _ in range(50):
    n = rng.integers(1, 12)
    accuracies = rng.random((n, 5))
    examples = rng.integers(1, 500, n)
    found = feedback.combine(accuracies, examples)
    np.testing.assert_allclose(
      found.accuracies, _reference(accuracies, examples), rtol=1e-12
    )
    order = rng.permutation(n)
    again = feedback.combine(accuracies[order], examples[order])
    np.testing.assert_allclose(found.accuracies, again.accuracies, rtol=1e-12)
