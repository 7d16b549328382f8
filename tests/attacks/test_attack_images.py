"""Tests of pictures of attacked examples."""

import numpy as np
import tensorflow as tf

from flsec.attacks.attack import AttackContext
from flsec.attacks.data.badnets import badnets
from flsec.attacks.data.images import poisoned_images, victim_images
from flsec.attacks.data.label_flip import label_flip
from flsec.attacks.updates.bit_flip import bit_flip

CONTEXT = AttackContext(weights=tf.zeros([1]), seed=tf.constant([3, 4]))
X, Y = tf.fill([12, 28, 28, 1], 0.2), tf.range(12)
BADNETS = badnets(num_poisoned=3)


def test_victims_show_the_trigger():
  shown = victim_images(BADNETS, X, Y, max_images=5)
  images = shown.pixels
  assert images.shape == (5, 28, 28, 1) and images.dtype == np.uint8
  assert np.all(images[:, 26, 26] == 255) and np.all(images[:, 0, 0] == 51)


def test_only_counted_victims_are_shown():
  shown = victim_images(label_flip(source_label=4, target_label=7), X, Y)
  assert len(shown) == 1
  assert (list(shown.labels), list(shown.wanted)) == ([4], [7])


def test_poisoned_rows_are_shown_beside_what_they_were():
  shown = poisoned_images(BADNETS, X, Y, CONTEXT)
  images = shown.pixels
  assert images.shape == (3, 28, 56, 1)
  assert np.all(images[:, 26, 26] == 51) and np.all(images[:, 26, 54] == 255)


def test_where_only_labels_change_the_picture_is_shown_once():
  flip = label_flip(source_label=4, target_label=7)
  shown = poisoned_images(flip, X, Y, CONTEXT)
  assert shown.pixels.shape == (1, 28, 28, 1)
  assert (list(shown.labels), list(shown.wanted)) == ([4], [7])


def test_of_a_trigger_only_changed_pictures_are_shown():
  # A picture that has the trigger already changes its label alone.
  trigger = badnets(trigger={'patch': [28, 28], 'value': 0.2}, num_poisoned=12)
  x = tf.concat([X[:2], X[2:] * 2.0], 0)
  shown = poisoned_images(trigger, x, Y, CONTEXT)
  assert list(shown.labels) == list(range(2, 10))


def test_the_input_range_is_black_to_white():
  x = tf.concat([tf.fill([1, 28, 28, 1], v) for v in (-1.0, 0.0, 3.0)], 0)
  images = victim_images(
    label_flip(source_label=1), x, tf.ones([3], tf.int32), input_range=(-1, 1)
  )
  np.testing.assert_array_equal(images.pixels[:, 0, 0, 0], [0, 128, 255])


def test_no_images_without_victims_poison_or_pictures():
  assert len(victim_images(bit_flip(), X, Y)) == 0
  assert len(poisoned_images(bit_flip(), X, Y, CONTEXT)) == 0
  tabular = badnets(trigger='agramplifier')
  assert len(victim_images(tabular, tf.zeros([12, 20]), Y)) == 0
  assert len(poisoned_images(tabular, tf.zeros([12, 20]), Y, CONTEXT)) == 0
