import numpy as np
import pytest
import rounding
import tensorflow as tf
from crafting import stack

from flsec.numerics import columns, moments


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
  monkeypatch.setattr(columns, 'BLOCK_SIZE', 1)


dimensions = pytest.mark.parametrize('dimension', [5, 2 * 1024 + 7])


@dimensions
def test_mean_and_std_match_float64(dimension):
  rows = stack(6, dimension)
  mean, std = moments.mean_and_std(tf.constant(rows))
  exact = rows.astype(np.float64)
  terms = np.abs(exact).mean(axis=0)
  rounding.assert_close(mean, exact.mean(axis=0), terms=terms, length=len(rows))
  np.testing.assert_allclose(std, exact.std(axis=0, ddof=1), rtol=1e-5)


@dimensions
def test_spread_matches_float64(dimension):
  rows = stack(7, dimension)
  exact = rows.astype(np.float64)
  mean, std, distances = moments.spread(tf.constant(rows))
  terms = np.abs(exact).mean(axis=0)
  rounding.assert_close(mean, exact.mean(axis=0), terms=terms, length=len(rows))
  np.testing.assert_allclose(std, exact.std(axis=0, ddof=1), rtol=1e-5)
  expected = ((exact - exact.mean(axis=0)) ** 2).sum(axis=1)
  # A block adds up 1,024 squares at most in float32; the mean is rounded, too.
  rounding.assert_close(distances, expected, terms=expected, length=1024 + 16)


def test_the_spread_survives_a_mean_far_above_it():
  rows = np.array([[1000.0], [1000.25], [1000.5]], np.float32)
  for _, std, *_ in (
    moments.mean_and_std(tf.constant(rows)),
    moments.spread(tf.constant(rows)),
  ):
    np.testing.assert_allclose(std, [0.25], rtol=1e-6)


def test_one_row_has_no_spread():
  mean, std = moments.mean_and_std(tf.constant([[2.0, -3.0]]))
  np.testing.assert_array_equal(mean, [2, -3])
  np.testing.assert_array_equal(std, [0, 0])
