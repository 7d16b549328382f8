"""Tests of accuracy and loss."""

import numpy as np
import pytest
import tensorflow as tf

from flsec.metrics import accuracy


def test_accuracy_counts_right_predictions():
  assert accuracy.accuracy([1, 2, 3, 3], [1, 2, 0, 3]) == 0.75
  assert accuracy.accuracy(tf.constant([1]), tf.constant([1])) == 1.0


def test_nothing_is_not_a_number():
  assert np.isnan(accuracy.accuracy([], []))
  assert np.isnan(accuracy.cross_entropy(np.zeros([0, 3]), []))


def test_per_class_accuracy_is_each_classs_recall():
  found = accuracy.per_class_accuracy([0, 1, 1, 2], [0, 0, 1, 1], 4)
  np.testing.assert_array_equal(found, [0.5, 0.5, np.nan, np.nan])


def test_the_confusion_matrix_has_true_classes_in_rows():
  found = accuracy.confusion_matrix([0, 1, 1, 2], [0, 0, 1, 1], 3)
  np.testing.assert_array_equal(found, [[1, 1, 0], [0, 1, 1], [0, 0, 0]])
  assert accuracy.confusion_matrix([], [], 3).sum() == 0


def test_class_shares_weigh_up_to_the_accuracy():
  rng = np.random.default_rng(1)
  predictions, labels = rng.integers(0, 5, [2, 400])
  shares = accuracy.per_class_accuracy(predictions, labels, 5)
  counts = np.bincount(labels, minlength=5)
  assert np.sum(shares * counts) / 400 == pytest.approx(
    accuracy.accuracy(predictions, labels)
  )


def test_cross_entropy_agrees_with_tensorflow():
  rng = np.random.default_rng(2)
  logits, labels = rng.normal(0, 9, [50, 7]), rng.integers(0, 7, 50)
  expected = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
  assert accuracy.cross_entropy(logits, labels) == pytest.approx(
    float(np.mean(expected)), rel=1e-12
  )


def test_large_logits_do_not_overflow():
  assert accuracy.cross_entropy([[1e4, 0.0]], [0]) == 0.0
  assert accuracy.cross_entropy([[1e4, 0.0]], [1]) == 1e4


def test_equal_logits_cost_the_log_of_the_classes():
  found = accuracy.cross_entropy(np.zeros([3, 10]), [0, 5, 9])
  assert found == pytest.approx(np.log(10))


@pytest.mark.parametrize(
  ('call', 'message'),
  [
    (lambda: accuracy.accuracy([1], [1, 2]), r'shapes \(1,\) and \(2,\)'),
    (lambda: accuracy.accuracy([[1]], [[1]]), 'vectors of one length'),
    (
      lambda: accuracy.confusion_matrix([3], [0], 3),
      'predictions must be classes from 0 to 2; got 3 to 3',
    ),
    (
      lambda: accuracy.per_class_accuracy([0], [-1], 3),
      'labels must be classes from 0 to 2; got -1',
    ),
    (
      lambda: accuracy.cross_entropy(np.zeros([2, 3]), [1]),
      r'got \(2, 3\) and \(1,\)',
    ),
  ],
)
def test_impossible_input_is_refused(call, message):
  with pytest.raises(ValueError, match=message):
    call()
