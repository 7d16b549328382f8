"""Tests of targeted label flipping."""

import numpy as np
import pytest
import tensorflow as tf

from flsec import registry
from flsec.attacks.attack import AttackContext
from flsec.attacks.data.label_flip import label_flip

CONTEXT = AttackContext(weights=tf.zeros([1]), seed=tf.constant([3, 4]))


def examples(labels):
  y = tf.constant(labels, tf.int32)
  return tf.random.stateless_uniform([len(labels), 4, 4, 1], [1, 2]), y


@pytest.mark.parametrize('labels', [[0, 1, 7, 1, 9], [1], [2, 7], []])
def test_only_source_labels_change(labels):
  x, y = examples(labels)
  new_x, new_y = label_flip(source_label=1, target_label=7).poison(
    x, y, CONTEXT
  )
  np.testing.assert_array_equal(new_x, x)
  np.testing.assert_array_equal(new_y, [7 if y == 1 else y for y in labels])
  assert new_y.dtype == tf.int32


def test_target_labels_stay_where_they_are():
  x, y = examples([7, 1])
  _, new_y = label_flip(source_label=7, target_label=1).poison(x, y, CONTEXT)
  np.testing.assert_array_equal(new_y, [1, 1])


def test_victims_are_the_source_class_of_the_test_set():
  x, y = examples([1, 7, 3, 1])
  victims = label_flip(source_label=1, target_label=7).victims(x, y)
  np.testing.assert_array_equal(victims.x, x)
  np.testing.assert_array_equal(victims.y, [7, 7, 7, 7])
  np.testing.assert_array_equal(victims.mask, [True, False, False, True])


def test_the_registry_builds_it_with_the_papers_classes():
  attack = registry.build('attack', 'label_flip')
  _, y = attack.poison(*examples([1, 7, 0]), CONTEXT)
  np.testing.assert_array_equal(y, [7, 7, 0])


def test_xla_compiles_it():
  attack = label_flip()
  compiled = tf.function(
    lambda x, y: attack.poison(x, y, CONTEXT), jit_compile=True
  )
  np.testing.assert_array_equal(compiled(*examples([1, 2, 1]))[1], [7, 2, 7])


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'source_label': 3, 'target_label': 3}, 'two different labels.*= 3'),
    ({'source_label': -1}, 'source_label must be at least 0; got -1'),
    (
      {'target_label': 10, 'num_classes': 10},
      r'target_label must be from 0 to 9 \(num_classes = 10\); got 10',
    ),
  ],
)
def test_impossible_labels_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    label_flip(**options)
