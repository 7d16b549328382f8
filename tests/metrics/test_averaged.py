"""Tests of metrics averaged over rounds."""

import numpy as np
import pytest

from flsec.metrics import averaged

ROUNDS = np.arange(0, 201, 10)


def test_the_papers_grid_has_16_points():
  clean, attacked = np.zeros(21), np.zeros(21)
  clean[5:] = 1.0
  attacked[:5] = -100.0  # Before the attack: not counted.
  attacked[5] = 1.0 - 16.0
  found = averaged.accuracy_loss(
    ROUNDS, clean, attacked, first_round=50, last_round=200
  )
  assert found == pytest.approx((16.0 + 15 * 1.0) / 16)


def test_loss_by_hand_and_its_sign():
  loss = averaged.accuracy_loss(
    [1, 2, 3], [0.9, 0.9, 0.8], [0.9, 0.5, 0.7], first_round=2
  )
  assert loss == pytest.approx((0.4 + 0.1) / 2)
  gain = averaged.accuracy_loss([1], [0.5], [0.75], first_round=1)
  assert gain == -0.25


def test_equal_runs_lose_nothing():
  values = np.random.default_rng(0).uniform(size=21)
  assert averaged.accuracy_loss(ROUNDS, values, values, first_round=50) == 0.0


@pytest.mark.parametrize(
  ('accuracy', 'window', 'expected'),
  [
    ([0.9, 0.8, 0.6, 0.7, 0.1], 20, 0.2),  # From 0.8 to 0.6.
    ([0.9, 0.8, 0.6, 0.7, 0.1], 40, 0.7),
    ([0.9, 0.8, 0.9, 0.9, 0.1], 20, 0.0),
  ],
)
def test_the_negative_pulse_is_the_deepest_fall_in_the_window(
  accuracy, window, expected
):
  found = averaged.negative_pulse(
    [40, 50, 60, 70, 80], accuracy, attack_round=50, window=window
  )
  assert found == pytest.approx(expected)


def test_the_pulse_falls_from_the_last_record_before_the_attack():
  found = averaged.negative_pulse([40, 60], [0.9, 0.4], attack_round=51)
  assert found == pytest.approx(0.5)


def test_robustness_gain_is_a_share_of_the_loss():
  assert averaged.robustness_gain(0.4, 0.1) == pytest.approx(0.75)
  assert averaged.robustness_gain(0.4, 0.5) == pytest.approx(-0.25)
  assert np.isnan(averaged.robustness_gain(0.0, 0.1))


@pytest.mark.parametrize(
  ('call', 'message'),
  [
    (
      lambda: averaged.accuracy_loss([1, 2], [0, 0], [0, 0], first_round=3),
      r'No round from 3 to inf was recorded; recorded are \[1, 2\]',
    ),
    (
      lambda: averaged.accuracy_loss([2, 1], [0, 0], [0, 0], first_round=1),
      r'must ascend; got \[2, 1\]',
    ),
    (
      lambda: averaged.accuracy_loss([1, 2], [1, 2], [1], first_round=1),
      r'got \(1,\) values and \(2,\) rounds',
    ),
    (
      lambda: averaged.negative_pulse([5], [0.1], attack_round=4),
      'No round from -inf to 4',
    ),
  ],
)
def test_impossible_input_is_refused(call, message):
  with pytest.raises(ValueError, match=message):
    call()
