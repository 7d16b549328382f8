"""Tests of draws from many seeds: TensorFlow's own, one by one."""

import numpy as np
import pytest
import tensorflow as tf

from flsec.numerics import philox

_FULL = tf.raw_ops.StatelessRandomUniformFullIntV2
_SEEDS = np.array([[0, 0], [1, -1], [-(2**63), 2**63 - 1], [7, 123456789012]])


@pytest.mark.parametrize('dtype', [tf.int32, tf.uint32, tf.int64, tf.uint64])
@pytest.mark.parametrize('count', [1, 4, 7, 130])
def test_numbers_are_those_of_tensorflow(dtype, count):
  found = philox.full_range(
    *philox.key_and_counter(tf.constant(_SEEDS)), count, dtype
  )
  for seed, row in zip(_SEEDS, found.numpy()):
    key, counter = tf.raw_ops.StatelessRandomGetKeyCounter(seed=seed)
    expected = _FULL(
      shape=[count], key=key, counter=counter, alg=1, dtype=dtype
    )
    np.testing.assert_array_equal(row, expected)


def test_seeds_of_32_bits_are_those_of_64():
  small = np.array([[3, -4], [2**31 - 1, -(2**31)]])
  for one, other in zip(
    philox.key_and_counter(tf.constant(small, tf.int32)),
    philox.key_and_counter(tf.constant(small, tf.int64)),
  ):
    np.testing.assert_array_equal(one, other)
  for row, seed in enumerate(small):
    key, counter = tf.raw_ops.StatelessRandomGetKeyCounter(
      seed=tf.constant(seed, tf.int32)
    )
    keys, counters = philox.key_and_counter(tf.constant(small, tf.int32))
    np.testing.assert_array_equal(keys[row], key)
    np.testing.assert_array_equal(counters[row], counter)


def test_a_counter_carries_into_its_upper_word():
  key = np.array([[5]], np.uint64)
  counter = np.array([[2**64 - 2, 9]], np.uint64)
  found = philox.full_range(
    tf.constant(key), tf.constant(counter), 20, tf.int32
  )
  expected = _FULL(
    shape=[20], key=key[0], counter=counter[0], alg=1, dtype=tf.int32
  )
  np.testing.assert_array_equal(found[0], expected)


def test_xla_draws_the_same():
  draw = tf.function(
    lambda seeds: philox.full_range(
      *philox.key_and_counter(seeds), 33, tf.int32
    ),
    autograph=False,
  )
  compiled = tf.function(draw, jit_compile=True, autograph=False)
  seeds = tf.constant(_SEEDS)
  np.testing.assert_array_equal(draw(seeds), compiled(seeds))
