import numpy as np
import pytest
import tensorflow as tf
from crafting import craft, stack

from flsec import attacks


def _reference(rows, last, *, scale, angle=90.0, momentum=0.9, relocation=1.0):
  mean = rows.astype(np.float64).mean(axis=0)
  u = momentum * last + (1 - momentum) * mean
  r = 1 - u * u.sum() / (u @ u)
  theta = np.deg2rad(angle)
  direction = np.sin(theta) * r / np.linalg.norm(r)
  direction = direction + np.cos(theta) * u / np.linalg.norm(u)
  centre = relocation * last + (1 - relocation) * mean
  return centre + scale * direction / np.linalg.norm(direction)


def _rop(rows, last, **options):
  fields = {'previous_update': tf.constant(last, tf.float32)}
  own = np.zeros((2, rows.shape[1]))
  return craft('rop', own, rows, fields=fields, **options)


def test_worked_example():
  crafted = _rop(np.array([[1.0, 0.0]]), [0.0, 2.0])
  np.testing.assert_allclose(crafted, [[0.99846, 1.94453]] * 2, atol=1e-5)


@pytest.mark.parametrize('angle', [30.0, 90.0, 180.0, 270.0])
@pytest.mark.parametrize(('momentum', 'relocation'), [(0.9, 1.0), (0.5, 0.25)])
def test_matches_the_formula(angle, momentum, relocation):
  rows, last = stack(6, 9), stack(1, 9, seed=4)[0]
  options = {
    'angle': angle,
    'momentum': momentum,
    'relocation': relocation,
    'scale': 0.7,
  }
  expected = _reference(rows, last, **options)
  np.testing.assert_allclose(
    _rop(rows, last, **options)[0], expected, atol=1e-5
  )


def test_the_perturbation_has_norm_z_and_is_orthogonal():
  rows, last = stack(6, 50), stack(1, 50, seed=4)[0]
  moved = _rop(rows, last, scale=2.5)[0] - last
  assert np.linalg.norm(moved) == pytest.approx(2.5, rel=1e-5)
  reference = 0.9 * last + 0.1 * rows.mean(axis=0)
  assert abs(moved @ reference) < 1e-4


def test_round_one_perturbs_around_zero_across_the_mean():
  rows = stack(6, 50)
  crafted = craft('rop', np.zeros((1, 50)), rows)[0]
  assert np.linalg.norm(crafted) == pytest.approx(1.0, rel=1e-5)
  assert abs(crafted @ rows.mean(axis=0)) < 1e-4


def test_without_a_scale_the_norm_is_z_max():
  crafted = craft('rop', np.zeros((1, 50)), stack(6, 50), scale=None)[0]
  assert np.linalg.norm(crafted) == pytest.approx(0.25335, abs=1e-4)


def test_no_reference_takes_the_ones_direction():
  crafted = craft('rop', np.zeros((1, 4)), np.zeros((3, 4)))
  np.testing.assert_allclose(crafted, [[0.5] * 4], rtol=1e-6)


def test_a_reference_along_the_ones_takes_a_random_orthogonal_direction():
  crafted = craft('rop', np.zeros((1, 60)), np.full((3, 60), 0.3))[0]
  assert np.linalg.norm(crafted) == pytest.approx(1.0, rel=1e-5)
  assert abs(crafted.sum()) < 1e-4
  assert np.unique(crafted).size > 50


def test_updates_too_small_for_float32_squares_keep_the_norm():
  crafted = craft('rop', np.zeros((1, 9)), stack(5, 9) * np.float32(1e-25))
  assert np.linalg.norm(crafted) == pytest.approx(1.0, rel=1e-5)


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'scale': -1.0}, r'rop needs a finite scale >= 0; got -1'),
    ({'momentum': 1.5}, r'rop needs 0 <= momentum <= 1; got 1.5'),
    ({'relocation': -0.1}, r'rop needs 0 <= relocation <= 1; got -0.1'),
    ({'angle': float('inf')}, r'rop needs a finite angle'),
  ],
)
def test_bad_options_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    attacks.build('rop', **options)
