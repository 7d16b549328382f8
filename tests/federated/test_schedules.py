"""Schedules, by hand."""

import numpy as np
import pytest
import tensorflow as tf

from flsec.config.schedule import ScheduleConfig
from flsec.federated import schedules


def _factors(config, rounds):
  return [float(schedules.factor(config, tf.constant(t))) for t in rounds]


@pytest.mark.parametrize(
  'config, rounds, factors',
  [
    (
      ScheduleConfig('steps', (3, 5), 0.5),
      range(1, 7),
      [1, 1, 0.5, 0.5, 0.25, 0.25],
    ),
    # cos of 0, 60, 90, 120 and 180 degrees; then it stays.
    (
      ScheduleConfig('cosine', (6,)),
      [1, 3, 4, 5, 7, 9],
      [1, 0.75, 0.5, 0.25, 0, 0],
    ),
    (
      ScheduleConfig('exponential', (2,), 0.25),
      [1, 2, 3, 5],
      [1, 0.5, 0.25, 0.0625],
    ),
  ],
)
def test_factors(config, rounds, factors):
  # float32; the cosine's angle is right to 1 part in 2^23.
  np.testing.assert_allclose(_factors(config, rounds), factors, atol=1e-6)


def test_constant_is_none():
  with pytest.raises(ValueError, match="needed; got 'constant'"):
    schedules.factor(ScheduleConfig(), tf.constant(1))
