"""Tests of random labels."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from flsec.attacks.attack import AttackContext
from flsec.attacks.data.label_random import label_random

CONTEXT = AttackContext(weights=tf.zeros([1]), seed=tf.constant([3, 4]))
X, Y = tf.zeros([3000, 2]), tf.zeros([3000], tf.int32)


def test_every_class_is_drawn_about_equally_often():
  labels = label_random(num_classes=5).poison(X, Y, CONTEXT)[1]
  # 600 expected of each; 5 standard deviations are 110.
  np.testing.assert_allclose(np.bincount(labels), [600] * 5, atol=110)
  assert labels.dtype == tf.int32


def test_the_seed_decides():
  poison = label_random(num_classes=5).poison
  other = dataclasses.replace(CONTEXT, seed=tf.constant([3, 5]))
  first, again = (poison(X, Y, CONTEXT)[1] for _ in range(2))
  np.testing.assert_array_equal(first, again)
  assert np.mean(first != poison(X, Y, other)[1]) > 0.5


def test_examples_stay():
  np.testing.assert_array_equal(
    label_random(num_classes=5).poison(X, Y, CONTEXT)[0], X
  )


def test_missing_classes_are_refused():
  with pytest.raises(ValueError, match=r'label_random needs .* num_classes'):
    label_random()
