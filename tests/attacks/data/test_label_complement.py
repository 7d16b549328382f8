"""Tests of complement label flipping."""

import numpy as np
import pytest
import tensorflow as tf

from flsec.attacks.attack import AttackContext
from flsec.attacks.data.label_complement import label_complement

CONTEXT = AttackContext(weights=tf.zeros([1]), seed=tf.constant([3, 4]))


@pytest.mark.parametrize(
  ('num_classes', 'expected'),
  [(10, [9, 0, 5, 4]), (11, [10, 1, 6, 5]), (100, [99, 90, 95, 94])],
)
def test_each_class_becomes_its_mirror_image(num_classes, expected):
  x, y = tf.zeros([4, 2]), tf.constant([0, 9, 4, 5])
  new_x, new_y = label_complement(num_classes=num_classes).poison(x, y, CONTEXT)
  np.testing.assert_array_equal(new_y, expected)
  np.testing.assert_array_equal(new_x, x)


def test_twice_is_nothing():
  y = tf.range(7)
  poison = label_complement(num_classes=7).poison
  twice = poison(*poison(tf.zeros([7, 1]), y, CONTEXT), CONTEXT)[1]
  np.testing.assert_array_equal(twice, y)


def test_it_has_no_victims():
  assert label_complement(num_classes=10).victims is None


@pytest.mark.parametrize(
  ('num_classes', 'message'),
  [
    (None, 'how many classes there are. Give num_classes'),
    (1, 'num_classes >= 2, .* got 1'),
  ],
)
def test_missing_classes_are_refused(num_classes, message):
  with pytest.raises(ValueError, match=message):
    label_complement(num_classes=num_classes)
