import numpy as np
import pytest
import server_cases
import tensorflow as tf

from flsec import registry


def clip(x, radius):
  return registry.build('preaggregator', 'clipping', radius=radius)(x).numpy()


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


def test_weights_stay_and_the_mixing_is_diagonal():
  stage = registry.build('preaggregator', 'clipping', radius=1.0)
  x = tf.constant([[0.0, 4.0], [0.5, 0.0]])
  given = server_cases.context()
  _, weights, mixing = stage.transform(x, tf.constant([2.0, 7.0]), given)
  np.testing.assert_array_equal(weights, [2, 7])
  np.testing.assert_allclose(mixing, [[0.25, 0], [0, 1]])
