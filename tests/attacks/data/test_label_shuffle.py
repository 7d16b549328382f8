"""Tests of labels that are shuffled anew in each batch."""

import dataclasses

import numpy as np
import tensorflow as tf

from flsec.attacks.attack import AttackContext
from flsec.attacks.data.label_shuffle import label_shuffle

CONTEXT = AttackContext(weights=tf.zeros([1]), seed=tf.constant([3, 4]))
X, Y = tf.zeros([50, 2]), tf.range(50)


def test_the_batch_keeps_its_labels_in_another_order():
  new_x, new_y = label_shuffle().poison(X, Y, CONTEXT)
  np.testing.assert_array_equal(np.sort(new_y), Y)
  assert np.mean(new_y != Y) > 0.8
  np.testing.assert_array_equal(new_x, X)


def test_the_seed_decides():
  poison = label_shuffle().poison
  other = dataclasses.replace(CONTEXT, seed=tf.constant([9, 9]))
  first, again = (poison(X, Y, CONTEXT)[1] for _ in range(2))
  np.testing.assert_array_equal(first, again)
  assert np.any(first != poison(X, Y, other)[1])


def test_rows_that_pad_take_no_part():
  poison = label_shuffle().poison
  padded = tf.concat([Y, tf.fill([14], -1)], axis=0)
  context = dataclasses.replace(CONTEXT, num_examples=tf.constant(50))
  found = poison(tf.zeros([64, 2]), padded, context)[1]
  np.testing.assert_array_equal(found[:50], poison(X, Y, CONTEXT)[1])
  np.testing.assert_array_equal(found[50:], [-1] * 14)


def test_xla_compiles_it():
  context = dataclasses.replace(CONTEXT, num_examples=tf.constant(40))
  poison = label_shuffle().poison
  compiled = tf.function(lambda y: poison(X, y, context)[1], jit_compile=True)
  np.testing.assert_array_equal(compiled(Y), poison(X, Y, context)[1])


def test_every_place_gets_every_label():
  poison = label_shuffle().poison
  seen = np.zeros([3, 3])
  for seed in range(300):
    context = dataclasses.replace(CONTEXT, seed=tf.constant([0, seed]))
    seen[np.arange(3), poison(X[:3], Y[:3], context)[1]] += 1
  # 100 expected in each cell; 5 standard deviations are 41.
  np.testing.assert_allclose(seen, 100, atol=41)
