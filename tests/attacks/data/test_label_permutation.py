"""Tests of labels that are permuted once a run."""

import numpy as np
import pytest
import tensorflow as tf

from flsec.attacks.attack import AttackContext
from flsec.attacks.compose import compose
from flsec.attacks.data.label_flip import label_flip
from flsec.attacks.data.label_permutation import label_permutation
from flsec.attacks.training.flip_and_ascent import flip_and_ascent
from flsec.attacks.training.neurotoxin import neurotoxin

LABELS = np.repeat(np.arange(10, dtype=np.int32), 100)
SEED = tf.constant([3, 4])


def test_all_labels_change_places():
  found = label_permutation().relabel(tf.constant(LABELS), SEED).numpy()
  np.testing.assert_array_equal(np.sort(found), LABELS)
  # 10 % keep their class by chance; a standard deviation is 0.9 %.
  assert 0.05 < np.mean(found == LABELS) < 0.15


def test_a_client_gets_the_histogram_of_all_clients():
  # The first client holds the first class alone, and would keep it if labels
  # changed places within the client, as in a batch they have to.
  found = label_permutation().relabel(tf.constant(LABELS), SEED).numpy()
  counts = np.bincount(found[:100], minlength=10)
  np.testing.assert_allclose(counts, 10, atol=12)  # 4 standard deviations.


def test_the_seed_decides():
  relabel = label_permutation().relabel
  first, again = (relabel(tf.constant(LABELS), SEED) for _ in range(2))
  np.testing.assert_array_equal(first, again)
  other = relabel(tf.constant(LABELS), tf.constant([3, 5]))
  assert np.any(first != other)


def test_every_order_is_as_likely():
  relabel, labels = label_permutation().relabel, tf.range(3)
  seen = np.zeros([3, 3])
  for seed in range(300):
    seen[np.arange(3), relabel(labels, tf.constant([0, seed]))] += 1
  # 100 expected in each cell; 5 standard deviations are 41.
  np.testing.assert_allclose(seen, 100, atol=41)


def test_a_batch_is_taught_the_labels_that_its_examples_keep():
  context = AttackContext(tf.zeros([1]), attack_labels=tf.constant([7, 8]))
  x = tf.zeros([2, 3])
  new_x, new_y = label_permutation().poison(x, tf.constant([1, 2]), context)
  assert new_x is x
  np.testing.assert_array_equal(new_y, [7, 8])


def test_without_them_it_is_refused():
  context = AttackContext(tf.zeros([1]))
  with pytest.raises(ValueError, match=r'label_permutation.*`attack_labels`'):
    label_permutation().poison(tf.zeros([1, 1]), tf.constant([0]), context)


@pytest.mark.parametrize(
  'attack',
  [
    flip_and_ascent(),
    flip_and_ascent(flip=label_permutation()),
    neurotoxin(attack=label_permutation()),
    compose(attacks=[label_flip(), label_permutation()]),
  ],
)
def test_attacks_around_it_keep_its_labels(attack):
  assert attack.relabel is not None


def test_two_cannot_both_relabel():
  with pytest.raises(ValueError, match='at most one attack with `relabel`'):
    compose(attacks=[label_permutation(), label_permutation()])
