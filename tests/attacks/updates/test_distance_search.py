import numpy as np
import pytest
import rounding
import tensorflow as tf
from crafting import stack

from flsec.attacks.updates import distance_search


@pytest.mark.parametrize('limit', [1e-4, 0.37, 3.0, 10.0, 19.5])
def test_finds_the_largest_scale_allowed(limit):
  found = distance_search.largest_scale(
    lambda gamma: gamma <= limit, initial=10.0, tolerance=1e-6
  )
  assert limit - 1e-5 <= float(found) <= limit


def test_ends_at_zero_where_nothing_is_allowed():
  found = distance_search.largest_scale(
    lambda gamma: gamma < 0, initial=10.0, tolerance=1e-5
  )
  assert float(found) == 0


def test_ends_just_below_twice_the_start_where_all_is_allowed():
  found = distance_search.largest_scale(
    lambda gamma: gamma > 0, initial=3.0, tolerance=1e-5
  )
  assert 5.999 < float(found) < 6


def test_spread_matches_float64():
  rows = stack(7, 4100)
  exact = rows.astype(np.float64)
  mean, std, distances = distance_search.spread(tf.constant(rows))
  terms = np.abs(exact).mean(axis=0)
  rounding.assert_close(mean, exact.mean(axis=0), terms=terms, length=len(rows))
  np.testing.assert_allclose(std, exact.std(axis=0, ddof=1), rtol=1e-5)
  expected = ((exact - exact.mean(axis=0)) ** 2).sum(axis=1)
  np.testing.assert_allclose(distances, expected, rtol=1e-6)


@pytest.mark.parametrize('perturbation', distance_search.PERTURBATIONS)
def test_pairwise_spread_matches_float64(perturbation):
  rows = stack(7, 4100)
  exact = rows.astype(np.float64)
  mean, std = exact.mean(axis=0), exact.std(axis=0, ddof=1)
  vector = {'unit': mean, 'sign': np.sign(mean), 'std': std}[perturbation]
  centred = exact - mean
  _, direction, gram, along = distance_search.pairwise_spread(
    tf.constant(rows), perturbation
  )
  np.testing.assert_allclose(direction, vector, atol=1e-5)
  np.testing.assert_allclose(gram, centred @ centred.T, rtol=1e-5, atol=0.01)
  np.testing.assert_allclose(along, centred @ vector, rtol=1e-5, atol=0.01)


def test_squared_distances_from_inner_products():
  points = np.array([[0.0, 0.0], [3.0, 4.0], [3.0, 4.0]])
  found = distance_search.squared_distances(tf.constant(points @ points.T))
  np.testing.assert_allclose(found, [[0, 25, 25], [25, 0, 0], [25, 0, 0]])


def test_squared_distances_are_never_negative():
  gram = tf.constant([[1.0, 1.0 + 1e-12], [1.0 + 1e-12, 1.0]], tf.float64)
  assert float(tf.reduce_min(distance_search.squared_distances(gram))) == 0


def test_distances_of_tiny_updates_under_a_large_common_part():
  rows = (stack(5, 4100, centre=0.0) * 1e-4 + 1.0).astype(np.float32)
  exact = rows.astype(np.float64)
  _, _, gram, _ = distance_search.pairwise_spread(tf.constant(rows), 'std')
  expected = ((exact[0] - exact[1]) ** 2).sum()
  found = distance_search.squared_distances(gram)[0, 1]
  assert float(found) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    (('mean', 10.0, 1e-5), r'perturbation must be one of unit, sign, std'),
    (('std', 0.0, 1e-5), r'mine needs a finite initial_scale > 0; got 0'),
    (('std', 10.0, -1.0), r'mine needs a finite tolerance > 0; got -1'),
  ],
)
def test_bad_options_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    distance_search.check_options('mine', *options)
