import numpy as np
import tensorflow as tf

from flsec.numerics.random_order import random_order


def test_every_index_comes_once():
  order = random_order(1000, tf.constant([1, 2])).numpy()
  np.testing.assert_array_equal(np.sort(order), np.arange(1000))
  assert np.any(order != np.arange(1000))


def test_a_seed_gives_one_order_also_under_xla():
  draw = lambda: random_order(50, tf.constant([1, 2]))
  compiled = tf.function(draw, jit_compile=True, autograph=False)
  np.testing.assert_array_equal(draw(), compiled())
  assert np.any(draw() != random_order(50, tf.constant([1, 3])))
