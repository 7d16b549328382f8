import numpy as np
import pytest
from crafting import context, craft, stack

from flsec import attacks
from flsec.attacks.updates import alie


@pytest.mark.parametrize(
  ('num_clients', 'num_byzantine', 'expected'),
  [
    (25, 5, 0.25335),
    (50, 15, 0.48374),
    (100, 30, 0.52440),
    (20, 8, 0.67449),
    (80, 16, 0.27769),
    (10, 2, 0.0),
  ],
)
def test_z_max_table(num_clients, num_byzantine, expected):
  z = alie.largest_hidden_scale(num_clients, num_byzantine)
  assert abs(float(z) - expected) < 1e-5


@pytest.mark.parametrize(
  ('num_clients', 'num_byzantine', 'expected'),
  [(20, 11, 5), (30, 29, 5), (9, 0, 0)],
)
def test_z_max_is_clamped(num_clients, num_byzantine, expected):
  assert (
    float(alie.largest_hidden_scale(num_clients, num_byzantine)) == expected
  )


def test_scale_comes_from_the_rounds_counts():
  benign = stack(20, 7)
  exact = benign.astype(np.float64)
  expected = exact.mean(axis=0) - 0.2533471 * exact.std(axis=0, ddof=1)
  crafted = craft('alie', stack(5, 7, seed=9), benign)
  np.testing.assert_allclose(crafted, np.tile(expected, (5, 1)), atol=1e-5)


def test_a_given_scale_wins():
  benign = np.array([[1.0, 0.0], [3.0, 4.0]])  # std sqrt(2), sqrt(8)
  crafted = craft('alie', np.zeros((1, 2)), benign, scale=2.0)
  expected = [[2 - 2 * np.sqrt(2), 2 - 2 * np.sqrt(8)]]
  np.testing.assert_allclose(crafted, expected, rtol=1e-6)


def test_one_row_known_is_sent_as_it_is():
  own = stack(1, 5)
  crafted = craft('alie', own, stack(4, 5), knowledge='partial', scale=3.0)
  np.testing.assert_array_equal(crafted, own)


def test_translation_carries_over():
  benign, shift = stack(8, 5), np.arange(5.0)
  moved = craft('alie', np.zeros((1, 5)), benign + shift)
  still = craft('alie', np.zeros((1, 5)), benign)
  np.testing.assert_allclose(moved, still + shift, atol=1e-5)


def test_a_negative_scale_is_refused():
  with pytest.raises(ValueError, match=r'alie needs a finite scale >= 0; got'):
    attacks.build('alie', scale=-1.0)


def test_missing_counts_are_refused():
  with pytest.raises(ValueError, match=r'num_clients .*or set scale'):
    alie.scale_of_round(None, context(num_clients=None), 'alie')


def test_the_configuration_can_see_that_one_row_is_no_attack():
  attack = attacks.build('alie')
  assert (attack.minimum_known_rows, attack.default_knowledge) == (2, 'full')
