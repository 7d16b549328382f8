import numpy as np
import pytest
import server_cases
import tensorflow as tf

from flsec import registry


def clip(x, radius=None, **options):
  if radius is not None:
    options['radius'] = radius
  return registry.build('preaggregator', 'clipping', **options)(x).numpy()


def test_long_rows_shrink_to_the_radius_and_short_ones_stay():
  x = np.array([[3.0, 4], [0.3, 0.4], [0, 0]], np.float32)
  wanted = [[0.6, 0.8], [0.3, 0.4], [0, 0]]
  np.testing.assert_allclose(clip(x, 1.0), wanted, rtol=1e-6)


@pytest.mark.parametrize('scale', [1e-8, 1e-3, 1.0, 1e30])
def test_norms_are_right_at_any_scale(scale):
  x = np.random.default_rng(0).standard_normal((5, 100))
  x = (scale * x).astype(np.float32)
  norms = np.linalg.norm(x.astype(np.float64), axis=1)
  radius = float(np.median(norms))
  wanted = x * np.minimum(1, radius / norms)[:, None]
  np.testing.assert_allclose(clip(x, radius), wanted, rtol=1e-5)


@pytest.mark.parametrize(
  'norms, factor, bound',
  [([1, 2, 30], 1.0, 2.0), ([1, 2, 4, 30], 1.0, 3.0), ([1, 2, 30], 5.0, 10.0)],
)
def test_bound_is_a_multiple_of_the_median_norm(norms, factor, bound):
  x = np.outer(norms, [0.6, 0.8]).astype(np.float32)
  wanted = np.outer(np.minimum(norms, bound), [0.6, 0.8])
  np.testing.assert_allclose(clip(x, median_factor=factor), wanted, rtol=1e-6)


def test_nobody_moved():
  np.testing.assert_array_equal(clip(np.zeros((4, 3)), median_factor=1.0), 0)


@pytest.mark.parametrize(
  'options, message',
  [
    ({}, 'exactly one of radius and median_factor'),
    ({'radius': 1.0, 'median_factor': 1.0}, 'exactly one of'),
    ({'radius': 0.0}, 'radius must be above 0; got 0.0'),
    ({'median_factor': -1.0}, 'median_factor must be above 0; got -1.0'),
  ],
)
def test_refusals(options, message):
  with pytest.raises(ValueError, match=message):
    registry.build('preaggregator', 'clipping', **options)


def test_weights_stay_and_the_mixing_is_diagonal():
  stage = registry.build('preaggregator', 'clipping', radius=1.0)
  x = tf.constant([[0.0, 4.0], [0.5, 0.0]])
  given = server_cases.context()
  _, weights, mixing = stage.transform(x, tf.constant([2.0, 7.0]), given)
  np.testing.assert_array_equal(weights, [2, 7])
  np.testing.assert_allclose(mixing, [[0.25, 0], [0, 1]])
