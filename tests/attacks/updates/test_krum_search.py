import numpy as np
import pytest
import tensorflow as tf
from crafting import stack

from flsec.attacks.updates import krum_search


def _krum_scores(rows, num_byzantine):
  """Sums of squared distances to the n - f - 2 nearest other rows."""
  squares = ((rows[:, None] - rows[None]) ** 2).sum(axis=2)
  np.fill_diagonal(squares, np.inf)
  neighbors = max(len(rows) - num_byzantine - 2, 1)
  return np.sort(squares, axis=1)[:, :neighbors].sum(axis=1)


def _wins(rows, size, num_crafted):
  exact = rows.astype(np.float64)
  crafted = -size * np.sign(exact.mean(axis=0))
  everyone = np.concatenate([np.tile(crafted, (num_crafted, 1)), exact])
  scores = _krum_scores(everyone, num_crafted)
  return scores[:num_crafted].min() < scores[num_crafted:].min()


@pytest.mark.parametrize('num_rows', [1, 2, 3, 5, 8, 13])
@pytest.mark.parametrize('centre', [0.0, 0.6])
def test_selection_matches_krum_on_the_rows_themselves(num_rows, centre):
  rows = stack(num_rows, 12, seed=num_rows, centre=centre)
  known = krum_search.view(tf.constant(rows))
  outcomes = []
  for num_crafted in range(1, num_rows + 2):
    for size in np.geomspace(1e-3, 8, 25):
      expected = _wins(rows, size, num_crafted)
      found = krum_search.is_selected(
        known, tf.constant(size, tf.float64), tf.constant(num_crafted)
      )
      assert bool(found) == expected, (size, num_crafted)
      outcomes.append(expected)
  if num_rows > 1:
    assert {True, False} == set(outcomes)


@pytest.mark.parametrize('num_rows', [1, 2, 3, 7, 15])
def test_the_pick_is_krums(num_rows):
  rows = stack(num_rows, 30, seed=num_rows)
  for num_byzantine in (0, 1, 3):
    found = krum_search.krum_pick(tf.constant(rows), num_byzantine)
    scores = _krum_scores(rows.astype(np.float64), num_byzantine)
    np.testing.assert_array_equal(found, rows[scores.argmin()])


def test_a_pick_of_equal_rows_is_the_lowest():
  rows = np.float32([[1, 0], [0, 0], [0, 1], [0, 0]])
  found = krum_search.krum_pick(tf.constant(rows), 1)
  np.testing.assert_array_equal(found, [0, 0])


def test_selection_against_a_direction_that_is_given():
  rows = stack(6, 12, seed=1, centre=0.2)
  away_from = np.random.default_rng(3).standard_normal(12).astype(np.float32)
  known = krum_search.view(tf.constant(rows), tf.constant(away_from))
  plain = krum_search.view(tf.constant(rows))
  np.testing.assert_array_equal(known.direction, np.sign(away_from))
  np.testing.assert_allclose(
    known.along, rows.astype(np.float64) @ np.sign(away_from), rtol=1e-5
  )
  for name in ('norms', 'sums', 'ordered'):
    np.testing.assert_allclose(
      getattr(known, name), getattr(plain, name), rtol=1e-5
    )


def test_worked_scores_and_bound():
  rows = np.array([[1.0], [-1.0], [2.0], [-2.0], [0.5]], np.float32)
  known = krum_search.view(tf.constant(rows))
  bound = krum_search.largest_lambda(known, tf.constant(2), tf.constant(1))
  assert float(bound) == pytest.approx(3.75, rel=1e-6)
  selected = [
    bool(krum_search.is_selected(known, tf.constant(s, tf.float64), 2))
    for s in (3.75, 1.875)
  ]
  assert selected == [False, True]


def test_bound_matches_the_formula():
  rows = stack(9, 20)
  exact = rows.astype(np.float64)
  distances = np.linalg.norm(exact[:, None] - exact[None], axis=2)
  nearest = np.sort(distances, axis=1)[:, 1:8].sum(axis=1).min()
  norms = np.linalg.norm(exact, axis=1)
  expected = nearest / ((9 - 3 - 1) * 20**0.5) + norms.max() / 20**0.5
  known = krum_search.view(tf.constant(rows))
  found = krum_search.largest_lambda(known, tf.constant(3), tf.constant(20))
  assert float(found) == pytest.approx(expected, rel=1e-5)


def test_bound_without_room_is_ten_mean_norms():
  rows = stack(4, 20)
  known = krum_search.view(tf.constant(rows))
  found = krum_search.largest_lambda(known, tf.constant(3), tf.constant(20))
  expected = 10 * np.linalg.norm(rows, axis=1).mean()
  assert float(found) == pytest.approx(expected, rel=1e-5)
