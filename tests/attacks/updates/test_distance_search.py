import numpy as np
import pytest
import tensorflow as tf
from crafting import craft, stack

from flsec.attacks.updates import distance_search
from flsec.numerics import gram


@pytest.mark.parametrize('perturbation', distance_search.PERTURBATIONS)
def test_pairwise_spread_matches_float64(perturbation):
  rows = stack(7, 4100)
  exact = rows.astype(np.float64)
  mean, std = exact.mean(axis=0), exact.std(axis=0, ddof=1)
  vector = {'unit': mean, 'sign': np.sign(mean), 'std': std}[perturbation]
  centred = exact - mean
  _, direction, products, along = distance_search.pairwise_spread(
    tf.constant(rows), perturbation
  )
  np.testing.assert_allclose(direction, vector, atol=1e-5)
  np.testing.assert_allclose(
    products, centred @ centred.T, rtol=1e-5, atol=0.01
  )
  np.testing.assert_allclose(along, centred @ vector, rtol=1e-5, atol=0.01)


def test_distances_of_tiny_updates_under_a_large_common_part():
  rows = (stack(5, 4100, centre=0.0) * 1e-4 + 1.0).astype(np.float32)
  exact = rows.astype(np.float64)
  _, _, products, _ = distance_search.pairwise_spread(tf.constant(rows), 'std')
  expected = ((exact[0] - exact[1]) ** 2).sum()
  found = gram.distances_between(products)[0, 1]
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


@pytest.mark.parametrize('name', ['min_max', 'min_sum'])
@pytest.mark.parametrize('perturbation', distance_search.PERTURBATIONS)
def test_small_updates_are_attacked_like_large_ones(name, perturbation):
  rows = stack(9, 300, centre=0.1)
  options = {'perturbation': perturbation, 'initial_scale': 100.0}
  large = craft(name, rows[:1], rows, **options)
  shift = np.linalg.norm(large - rows.mean(axis=0))
  assert shift > 0.1
  small = craft(name, rows[:1] * 2.0**-27, rows * 2.0**-27, **options)
  apart = np.linalg.norm(small * 2.0**27 - large)
  assert apart <= 1e-3 * shift
