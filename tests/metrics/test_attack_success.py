"""Tests of attack success."""

import numpy as np
import pytest
import tensorflow as tf

from flsec.attacks.data.badnets import badnets
from flsec.metrics import attack_success


def test_only_counted_victims_count():
  found = attack_success.success_rate(
    [7, 7, 1, 7], [7, 7, 7, 7], [True, False, True, True]
  )
  assert found == (pytest.approx(2 / 3), 3)


def test_no_victims_give_no_rate():
  for mask in ([False, False], np.zeros(2, bool)):
    rate, count = attack_success.success_rate([1, 2], [1, 1], mask)
    assert np.isnan(rate) and count == 0
  rate, count = attack_success.success_rate([], [], [])
  assert np.isnan(rate) and count == 0


def test_a_clean_model_scores_zero_since_target_images_do_not_count():
  """FedER reports 0.00: with target images it would be 0.1 at least."""
  labels = tf.range(10)
  victims = badnets(target_label=0).victims(tf.zeros([10, 28, 28, 1]), labels)
  found = attack_success.success_rate(labels, victims.y, victims.mask)
  assert found == (0.0, 9)


def test_error_rate_is_the_share_of_the_source_taken_for_the_target():
  labels, predictions = [1, 1, 1, 1, 7, 0], [7, 1, 7, 3, 7, 7]
  assert attack_success.error_rate(predictions, labels, 1, 7) == (0.5, 4)
  assert attack_success.source_error(predictions, labels, 1) == (0.75, 4)


def test_an_absent_source_class_gives_no_rate():
  rate, count = attack_success.error_rate([1], [2], 1, 7)
  assert np.isnan(rate) and count == 0
  rate, count = attack_success.source_error([1], [2], 1)
  assert np.isnan(rate) and count == 0


def test_lengths_that_differ_are_refused():
  with pytest.raises(ValueError, match='one length'):
    attack_success.success_rate([1, 2], [1, 2], [True])
  with pytest.raises(ValueError, match='one length'):
    attack_success.error_rate([1, 2], [1], 1, 7)
