import numpy as np
import pytest
import tensorflow as tf
from crafting import context, craft, stack

from flsec import attacks
from flsec.attacks.updates import fang_trimmed_mean as fang

WORKED = np.array([[1, -2, 3], [2, -1, -1], [4, -3, 1]], np.float32)


def test_worked_intervals():
  low, high = fang.full_interval(tf.constant(WORKED), 2.0)
  np.testing.assert_allclose(low, [0.5, -1, -2])
  np.testing.assert_allclose(high, [1, -0.5, -1])


def test_the_extremes_signs_choose_multiply_or_divide():
  # Columns: mean down with max > 0; mean up with min < 0.
  rows = tf.constant([[1.0, -1.0], [-5.0, 5.0]])
  low, high = fang.full_interval(rows, 4.0)
  np.testing.assert_allclose(low, [1, -4])
  np.testing.assert_allclose(high, [4, -1])


def test_full_draws_fill_the_interval_and_differ_between_clients():
  own = np.zeros((400, 3))
  crafted = craft('fang_trimmed_mean', own, WORKED)
  low, high = np.array([0.5, -1, -2]), np.array([1, -0.5, -1])
  assert (crafted >= low).all() and (crafted <= high).all()
  np.testing.assert_allclose(crafted.mean(axis=0), (low + high) / 2, atol=0.05)
  assert np.unique(crafted[:, 0]).size > 350


def test_every_draw_is_outside_the_benign_range_on_the_far_side():
  benign = stack(12, 500, centre=0.0)
  crafted = craft('fang_trimmed_mean', benign[:4], benign)
  up = benign.mean(axis=0) > 0
  assert (crafted[:, up] <= benign.min(axis=0)[up]).all()
  assert (crafted[:, ~up] >= benign.max(axis=0)[~up]).all()


def test_partial_draws_lie_three_to_four_deviations_out():
  own = stack(6, 500, centre=0.0)
  crafted = craft('fang_trimmed_mean', own, own * 7, knowledge='partial')
  exact = own.astype(np.float64)
  mean, std = exact.mean(axis=0), exact.std(axis=0, ddof=1)
  deviations = -np.sign(mean) * (crafted - mean) / std
  assert deviations.min() >= 3 - 1e-4 and deviations.max() <= 4 + 1e-4


def test_a_single_own_row_takes_its_magnitude_as_spread():
  low, high = fang.partial_interval(tf.constant([[2.0, -1.0, 0.0]]))
  np.testing.assert_allclose(low, [-6, 2, 0])
  np.testing.assert_allclose(high, [-4, 3, 0])


def test_a_mean_of_zero_is_kept():
  crafted = craft('fang_trimmed_mean', np.ones((2, 1)), [[1.0], [-1.0]])
  np.testing.assert_array_equal(crafted, [[0.0], [0.0]])


@pytest.mark.parametrize('scale', [1.0, 0.5, float('inf')])
def test_a_scale_that_reaches_no_further_is_refused(scale):
  with pytest.raises(ValueError, match=r'fang_trimmed_mean needs a finite'):
    attacks.build('fang_trimmed_mean', scale=scale)


def test_a_missing_seed_is_refused():
  attack = attacks.build('fang_trimmed_mean')
  with pytest.raises(ValueError, match=r'seed=None'):
    attack.craft(WORKED, WORKED, context(seed=None))
