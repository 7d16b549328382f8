import numpy as np
import pytest
import tensorflow as tf

from flsec.numerics import scaled_sums

_LARGEST = np.finfo(np.float32).max


@pytest.mark.parametrize('factor', [1.0, 2.0**-3, 2.0**-48])
def test_what_was_scaled_comes_back(factor):
  values = np.float32([0, 1.5, -3e-8, 1e30, _LARGEST, -_LARGEST])
  scaled = tf.constant(values * np.float32(factor))
  found = scaled_sums.undo(scaled, tf.constant(factor))
  np.testing.assert_array_equal(found, values)


def test_a_mean_that_rounded_beyond_the_end_is_brought_back():
  factor = np.float32(2.0**-3)
  beyond = np.nextafter(_LARGEST * factor, np.float32(np.inf))
  found = scaled_sums.undo(tf.constant([beyond, -beyond]), tf.constant(factor))
  np.testing.assert_array_equal(found, [_LARGEST, -_LARGEST])


def test_what_is_not_finite_stays():
  values = tf.constant([np.inf, -np.inf, np.nan])
  found = scaled_sums.undo(values, tf.constant(0.5)).numpy()
  np.testing.assert_array_equal(found, [np.inf, -np.inf, np.nan])
