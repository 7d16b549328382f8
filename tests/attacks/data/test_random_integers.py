"""Tests of device-independent random integers."""

import numpy as np
import tensorflow as tf

from flsec.attacks.data.random_integers import random_integers

SEED = tf.constant([3, 4], tf.int64)


def test_xla_draws_the_same():
  compiled = tf.function(
    lambda seed: random_integers(seed, tf.constant([50])), jit_compile=True
  )
  np.testing.assert_array_equal(
    compiled(SEED), random_integers(SEED, tf.constant([50]))
  )


def test_a_short_draw_is_the_beginning_of_a_long_one():
  long = random_integers(SEED, tf.constant([64]))
  for size in (1, 7, 8, 33):
    short = random_integers(SEED, tf.constant([size]))
    np.testing.assert_array_equal(short, long[:size])


def test_remainders_are_uniform_and_not_negative():
  drawn = random_integers(SEED, tf.constant([5000])) % 5
  # 1000 expected of each; 5 standard deviations are 141.
  np.testing.assert_allclose(np.bincount(drawn), [1000] * 5, atol=141)


def test_the_whole_range_is_drawn():
  drawn = random_integers(SEED, tf.constant([5000])).numpy()
  assert drawn.min() < -2_000_000_000 and drawn.max() > 2_000_000_000
