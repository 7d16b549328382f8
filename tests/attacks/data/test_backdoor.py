"""Tests of the choice of poisoned rows and of backdoors' victims."""

import numpy as np
import pytest
import tensorflow as tf

from flsec.attacks.data import backdoor


@pytest.mark.parametrize(
  ('num_rows', 'num_poisoned', 'expected'),
  [(32, 4, 4), (64, 8, 8), (3, 4, 3), (4, 4, 4), (0, 4, 0)],
)
def test_a_count_is_exact_in_full_and_short_batches(
  num_rows, num_poisoned, expected
):
  choose = backdoor.choose_rows(None, num_poisoned, None)
  assert np.sum(choose(tf.zeros([num_rows], tf.int32))) == expected


@pytest.mark.parametrize('fraction', [0.1, 0.125, 1 / 3, 0.5, 0.999, 1.0])
@pytest.mark.parametrize('num_rows', [1, 2, 7, 24, 32, 100])
def test_a_fraction_is_rounded_half_up(num_rows, fraction):
  chosen = backdoor.choose_rows(None, None, fraction)(
    tf.zeros([num_rows], tf.int32)
  )
  exact = np.floor(np.float32(fraction) * np.float32(num_rows) + 0.5)
  assert np.sum(chosen) == exact


def test_the_default_is_4_of_32():
  choose = backdoor.choose_rows(None, None, None)
  assert np.sum(choose(tf.zeros([32], tf.int32))) == 4
  assert np.sum(choose(tf.zeros([64], tf.int32))) == 8


@pytest.mark.parametrize('options', [(None, 3, None), (2, None, 0.4)])
def test_rows_that_fill_up_a_batch_change_nothing(options):
  y = tf.constant([2, 0, 2, 2, 1, 2, 0])
  choose = backdoor.choose_rows(*options)
  padded = tf.concat([y, tf.repeat(y[:1], 9)], axis=0)
  np.testing.assert_array_equal(choose(padded)[:7], choose(y))


def test_a_source_class_alone_is_eligible():
  y = tf.constant([9, 0, 9, 9, 1, 9])
  choose = backdoor.choose_rows(9, 3, None)
  np.testing.assert_array_equal(choose(y), [1, 0, 1, 1, 0, 0])
  choose = backdoor.choose_rows(9, None, 1.0)
  np.testing.assert_array_equal(choose(y), y == 9)
  assert not np.any(choose(tf.constant([0, 1])))


def test_victims_leave_out_the_target_class():
  x, y = tf.zeros([4, 2]), tf.constant([0, 3, 9, 3])
  victims = backdoor.stamped_victims(lambda x: x + 1.0, None, 3)(x, y)
  np.testing.assert_array_equal(victims.mask, [1, 0, 1, 0])
  np.testing.assert_array_equal(victims.y, [3, 3, 3, 3])
  np.testing.assert_array_equal(victims.x, np.ones([4, 2]))
  victims = backdoor.stamped_victims(lambda x: x, 9, 3)(x, y)
  np.testing.assert_array_equal(victims.mask, [0, 0, 1, 0])


@pytest.mark.parametrize(
  ('num_poisoned', 'fraction', 'message'),
  [
    (4, 0.1, 'not both; got 4 and 0.1'),
    (0, None, 'num_poisoned must be at least 1; got 0'),
    (None, 0.0, 'above 0 and at most 1; got 0.0'),
    (None, 1.5, 'above 0 and at most 1; got 1.5'),
  ],
)
def test_impossible_shares_are_refused(num_poisoned, fraction, message):
  with pytest.raises(ValueError, match=message):
    backdoor.choose_rows(None, num_poisoned, fraction)
