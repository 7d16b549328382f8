import numpy as np
import pytest
import tensorflow as tf

from flsec.metrics import drift


def _drift(rows, centre, previous, radius=1.0):
  found = drift.drift(
    *(tf.constant(given, tf.float32) for given in (rows, centre, previous)),
    radius,
  )
  return drift.Drift(*(one.numpy() for one in found))


def test_by_hand():
  # Drifts (0, 3) and (0, 1) of lengths 3 and 1, the first clipped to (0, 1):
  # upright on the centre, and halfway to a perturbation along (1, 1).
  found = _drift([[1, 3], [1, 1]], [1, 0], [2, 2])
  assert found.drift_norm == 2
  np.testing.assert_allclose(found.perturbation, [0, 1])
  np.testing.assert_allclose(found.angle_degrees, 90, rtol=1e-6)
  np.testing.assert_allclose(found.cosine, 0.5**0.5, rtol=1e-6)


def test_nothing_is_clipped_within_the_radius():
  found = _drift([[1, 3], [1, 1]], [1, 0], [0, -1], radius=4.0)
  np.testing.assert_allclose(found.perturbation, [0, 2])
  np.testing.assert_allclose(found.cosine, -1, rtol=1e-6)


def test_against_numpy():
  rng = np.random.default_rng(3)
  rows, centre, previous = (
    rng.normal(size=size).astype(np.float32) for size in ([3, 50], 50, 50)
  )
  drifts = rows.astype(np.float64) - centre
  norms = np.linalg.norm(drifts, axis=1)
  radius = float(np.median(norms))
  effective = (drifts * np.minimum(1, radius / norms)[:, None]).mean(axis=0)

  def cosine(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)

  found = _drift(rows, centre, previous, radius)
  np.testing.assert_allclose(found.drift_norm, norms.mean(), rtol=1e-6)
  np.testing.assert_allclose(found.perturbation, effective, atol=1e-6)
  np.testing.assert_allclose(
    found.angle_degrees,
    np.degrees(np.arccos(cosine(effective, centre))),
    rtol=1e-5,
  )
  np.testing.assert_allclose(
    found.cosine, cosine(effective, previous), atol=1e-6
  )


@pytest.mark.parametrize('scale, angle', [(3.0, 0.0), (-2.0, 180.0)])
def test_along_the_centre_rounding_makes_no_nan(scale, angle):
  centre = np.random.default_rng(1).normal(size=300).astype(np.float32)
  found = _drift([centre + scale * centre], centre, scale * centre)
  np.testing.assert_allclose(found.angle_degrees, angle, atol=1e-2)
  np.testing.assert_allclose(found.cosine, 1, rtol=1e-6)


def test_what_is_not_defined_is_nan():
  first = _drift([[1, 1]], [0, 0], [0, 0])
  assert np.isnan(first.angle_degrees) and np.isnan(first.cosine)
  assert first.drift_norm == pytest.approx(2**0.5)
  nobody = _drift(np.zeros([0, 2]), [1, 0], [1, 0])
  assert np.isnan([*nobody[:3]]).all()
  np.testing.assert_array_equal(nobody.perturbation, [0, 0])
