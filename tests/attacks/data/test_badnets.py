"""Tests of the pixel and feature backdoor."""

import numpy as np
import pytest
import tensorflow as tf

from flsec.attacks.attack import AttackContext
from flsec.attacks.data.badnets import badnets

CONTEXT = AttackContext(weights=tf.zeros([1]), seed=tf.constant([3, 4]))
X = tf.random.stateless_uniform([32, 28, 28, 1], [1, 2])
Y = tf.range(32) % 10


def test_the_chosen_rows_get_trigger_and_label_and_no_others():
  x, y = badnets(num_poisoned=4, target_label=3).poison(X, Y, CONTEXT)
  expected = X.numpy()
  for row, column in [(24, 26), (25, 25), (26, 24), (26, 26)]:
    expected[:4, row, column] = 1.0
  np.testing.assert_array_equal(x, expected)
  np.testing.assert_array_equal(y, [3] * 4 + list(Y[4:]))
  assert x.dtype == tf.float32 and y.dtype == tf.int32


@pytest.mark.parametrize('size', [1, 3, 5, 32])
def test_short_batches_keep_their_shape(size):
  x, y = badnets(num_poisoned=4, target_label=0).poison(
    X[:size], tf.ones([size], tf.int32), CONTEXT
  )
  assert x.shape == [size, 28, 28, 1]
  assert np.sum(y == 0) == min(4, size)


def test_a_victim_class_backdoor_touches_that_class_alone():
  attack = badnets(
    trigger='federated_pruning_1',
    source_label=9,
    target_label=1,
    poison_fraction=1.0,
  )
  x, y = attack.poison(X, Y, CONTEXT)
  np.testing.assert_array_equal(y, np.where(Y == 9, 1, Y))
  is_changed = np.any(x != X, axis=(1, 2, 3))
  np.testing.assert_array_equal(is_changed, Y == 9)
  np.testing.assert_array_equal(attack.victims(X, Y).mask, Y == 9)


def test_half_of_a_class_is_taught_clean_in_each_batch():
  attack = badnets(source_label=9, target_label=1, poison_fraction=0.5)
  y = tf.constant([9, 9, 3, 9, 9, 9, 3, 9])
  x = tf.fill([8, 28, 28, 1], 0.25)
  new_x, new_y = attack.poison(x, y, CONTEXT)
  is_stamped = np.any(new_x != x, axis=(1, 2, 3))
  assert is_stamped.sum() == 3 and not is_stamped[[2, 6]].any()
  np.testing.assert_array_equal(new_y, np.where(is_stamped, 1, y))


def test_success_may_be_measured_on_another_class():
  attack = badnets(target_label=2, victim_label=9)
  np.testing.assert_array_equal(attack.victims(X, Y).mask, Y == 9)
  assert attack.source_labels == ()
  with pytest.raises(ValueError, match='is not the victim_label; got 2'):
    badnets(target_label=2, victim_label=2)


def test_a_feature_trigger_on_all_samples():
  attack = badnets(trigger='agramplifier', poison_fraction=1.0)
  x, y = attack.poison(tf.ones([5, 12]), tf.range(5), CONTEXT)
  expected = np.ones([5, 12])
  expected[:, 7:9] = 0.5
  np.testing.assert_array_equal(x, expected)
  np.testing.assert_array_equal(y, [0] * 5)


def test_victims_carry_the_trigger_and_are_not_of_the_target_class():
  victims = badnets(target_label=2).victims(X, Y)
  assert np.all(victims.x.numpy()[:, 26, 26, 0] == 1.0)
  np.testing.assert_array_equal(victims.mask, Y != 2)
  np.testing.assert_array_equal(victims.y, [2] * 32)


@pytest.mark.parametrize('source_label', [None, 3])
def test_xla_and_a_dynamic_batch_give_the_same(source_label):
  poison = badnets(source_label=source_label).poison
  expected = poison(X, Y, CONTEXT)
  compiled = tf.function(lambda x, y: poison(x, y, CONTEXT), jit_compile=True)
  dynamic = tf.function(
    lambda x, y: poison(x, y, CONTEXT),
    input_signature=[
      tf.TensorSpec([None, 28, 28, 1], tf.float32),
      tf.TensorSpec([None], tf.int32),
    ],
  )
  for result in (compiled(X, Y), dynamic(X, Y)):
    for found, wanted in zip(result, expected):
      np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'source_label': 1, 'target_label': 1}, 'not the source_label; got 1 for'),
    (
      {'target_label': 10, 'num_classes': 10},
      'target_label must be from 0 to 9',
    ),
    ({'source_label': -1}, 'source_label must be at least 0; got -1'),
    ({'input_shape': (446,)}, 'image trigger, but the examples are features'),
    ({'trigger': 'agramplifier', 'input_shape': (28, 28, 1)}, 'Give `pixels`'),
    (
      {'trigger': {'patch': [9, 9]}, 'input_shape': (8, 8, 1)},
      'outside an example of shape',
    ),
    ({'num_poisoned': 3, 'poison_fraction': 0.5}, 'not both'),
  ],
)
def test_impossible_options_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    badnets(**options)
