import numpy as np
import pytest

from flsec import registry


def build(num_byzantine):
  return registry.build(
    'preaggregator', 'nearest_neighbor_mixing', num_byzantine=num_byzantine
  )


def reference(x, f):
  x = x.astype(np.float64)
  distances = np.linalg.norm(x[:, None] - x[None], axis=2)
  nearest = np.argsort(distances, axis=1, kind='stable')[:, : len(x) - f]
  return np.stack([x[index].mean(axis=0) for index in nearest])


@pytest.mark.parametrize('scale', [1.0, 1e-3, 1e-5, 1e-8])
def test_it_follows_the_reference(scale):
  rng = np.random.default_rng(0)
  x = (scale * (5 + rng.standard_normal((10, 30)))).astype(np.float32)
  np.testing.assert_allclose(build(3)(x), reference(x, 3), rtol=1e-5)


def test_five_rows_worked_by_hand():
  x = np.array([[0.0], [1], [3], [7], [100]], np.float32)
  # Three nearest: {0,1,3} {0,1,3} {3,1,0} {7,3,1} {100,7,3}.
  wanted = [[4 / 3], [4 / 3], [4 / 3], [11 / 3], [110 / 3]]
  np.testing.assert_allclose(build(2)(x), wanted, rtol=1e-6)


def test_ties_take_the_lowest_client():
  x = np.array([[-1.0], [0], [1]], np.float32)
  np.testing.assert_allclose(build(1)(x)[1], [-0.5])


def test_nobody_malicious_makes_every_row_the_mean():
  x = np.random.default_rng(1).standard_normal((4, 3)).astype(np.float32)
  wanted = np.repeat(x.mean(axis=0)[None], 4, axis=0)
  np.testing.assert_allclose(build(0)(x), wanted, atol=1e-6)


def test_it_moves_with_the_rows_and_their_order():
  x = np.round(np.random.default_rng(2).standard_normal((7, 5)) * 64) / 64
  x = x.astype(np.float32)
  plain = build(2)(x).numpy()
  np.testing.assert_allclose(build(2)(x + 8), plain + 8, rtol=1e-6)
  np.testing.assert_allclose(build(2)(x[::-1]), plain[::-1], atol=1e-6)


def test_rows_at_the_end_of_the_range_stay_in_it():
  # The float32 shares of 6 rows, 1/6 each, come to more than 1.
  x = np.full((8, 4), np.finfo(np.float32).max)
  np.testing.assert_allclose(build(2)(x), x, rtol=1e-6)
