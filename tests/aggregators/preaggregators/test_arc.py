import numpy as np
import pytest

from flsec import registry


def arc(x, num_byzantine):
  stage = registry.build('preaggregator', 'arc', num_byzantine=num_byzantine)
  return stage(x).numpy()


def reference(x, f):
  x = x.astype(np.float64)
  norms = np.linalg.norm(x, axis=1)
  k = int(np.floor(2 * f / len(x) * (len(x) - f) + 1e-9))
  radius = np.sort(norms)[::-1][k]
  return x * np.minimum(1, radius / norms)[:, None]


def test_six_rows_worked_by_hand():
  # k = floor(2 * 1/6 * 5) = 1: only the longest shrinks, to the next one.
  x = np.array([[1.0], [-2], [3], [4], [-5], [100]], np.float32)
  np.testing.assert_allclose(arc(x, 1), [[1], [-2], [3], [4], [-5], [5]])
  # k = floor(2 * 2/6 * 4) = 2.
  np.testing.assert_allclose(arc(x, 2), [[1], [-2], [3], [4], [-4], [4]])


@pytest.mark.parametrize('f', [0, 1, 3, 4])
@pytest.mark.parametrize('scale', [1.0, 1e-8])
def test_it_follows_the_reference(f, scale):
  x = np.random.default_rng(f).standard_normal((9, 20))
  x = (scale * x * np.arange(1, 10)[:, None]).astype(np.float32)
  np.testing.assert_allclose(arc(x, f), reference(x, f), rtol=1e-5)


def test_nobody_malicious_clips_nothing():
  x = np.random.default_rng(1).standard_normal((4, 3)).astype(np.float32)
  np.testing.assert_array_equal(arc(x, 0), x)


def test_a_radius_of_zero_leaves_only_zero_rows():
  x = np.zeros((5, 2), np.float32)
  x[1] = 7
  np.testing.assert_array_equal(arc(x, 1), np.zeros((5, 2)))


def test_it_grows_with_the_rows():
  x = np.random.default_rng(2).standard_normal((7, 4)).astype(np.float32)
  np.testing.assert_allclose(arc(x * 1024, 2), arc(x, 2) * 1024, rtol=1e-6)
