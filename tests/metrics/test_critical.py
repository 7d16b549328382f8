"""Tests of the critical round and volume."""

import numpy as np
import pytest

from flsec.metrics import critical

DIGITS, CIFAR = 61_706, 274_063
# Tables 1 and 3 of the FedER paper. Its MNIST-0.5 entry without attack, 580.44,
# is a misprint of 508.44.
FLTRUST = [
  (DIGITS, rounds, volume)
  for rounds, volume in [
    (520, 244.81),
    (550, 258.93),
    (500, 235.39),
    (600, 282.47),
    (1080, 508.44),
    (1120, 527.27),
    (1110, 522.57),
    (730, 343.67),
    (1090, 513.15),
    (1150, 541.40),
    (830, 390.75),
    (1650, 776.79),
  ]
] + [
  (CIFAR, rounds, volume)
  for rounds, volume in [
    (650, 1359.11),
    (690, 1442.74),
    (740, 1547.29),
    (660, 1380.02),
  ]
]
FIXED = [
  (410, 25.33),
  (470, 29.04),
  (420, 25.95),
  (440, 27.19),
  (460, 28.42),
  (540, 33.37),
  (620, 38.31),
  (690, 42.63),
  (1130, 69.82),
  (1110, 68.59),
  (1180, 72.91),
  (970, 59.94),
  (1280, 79.09),
]


@pytest.mark.parametrize(('dimension', 'rounds', 'volume'), FLTRUST)
def test_fltrusts_volumes_are_those_of_the_paper(dimension, rounds, volume):
  found = critical.critical_volume_mib(dimension, rounds)
  assert found == pytest.approx(volume, abs=0.0051)


@pytest.mark.parametrize(('rounds', 'volume'), FIXED)
def test_feders_volumes_with_a_fixed_share_are_those_of_the_paper(
  rounds, volume
):
  found = critical.critical_volume_mib(DIGITS, rounds, 0.1)
  assert found == pytest.approx(volume, abs=0.0051)


def test_a_share_a_round_is_summed_up_to_the_critical_round():
  shares = [0.1, 0.5, 1.0, 0.9]
  found = critical.critical_volume_mib(2**20, 3, shares)
  bits_a_value = sum(2 * (32 * share + 1) for share in shares[:3])
  assert found == pytest.approx(bits_a_value / 8)
  assert critical.critical_volume_mib(9, 2, [0.3, 0.3]) == pytest.approx(
    critical.critical_volume_mib(9, 2, 0.3)
  )


def test_an_unpruned_round_sends_no_mask():
  assert critical.round_volume_mib(2**20) == 8.0
  assert critical.round_volume_mib(2**20, 1.0) == 8.25


@pytest.mark.parametrize(
  ('threshold', 'expected'), [(0.7, 20), (0.9, 40), (0.95, None), (0.1, 10)]
)
def test_the_critical_round_is_the_first_good_enough(threshold, expected):
  accuracy = np.array([0.5, 0.7, 0.6, 0.9])
  found = critical.critical_round([10, 20, 30, 40], accuracy, threshold)
  assert found == expected


def test_a_round_never_reached_has_no_volume():
  assert critical.critical_round([], [], 0.9) is None
  assert critical.critical_volume_mib(DIGITS, None) is None


@pytest.mark.parametrize(
  ('call', 'message'),
  [
    (lambda: critical.critical_round([1], [1, 2], 0.5), r'got \(2,\) values'),
    (lambda: critical.round_volume_mib(0), 'at least 1; got 0'),
    (lambda: critical.round_volume_mib(5, 1.5), r'in \[0, 1\]; got 1.5'),
    (
      lambda: critical.critical_volume_mib(5, 3, [0.1, 0.2]),
      'each of 3 rounds; got 2',
    ),
  ],
)
def test_impossible_input_is_refused(call, message):
  with pytest.raises(ValueError, match=message):
    call()
