"""Counters folded into a seed, in order, the same in a graph."""

import numpy as np
import tensorflow as tf

from flsec import seeds
from flsec.federated import seed_folding


def test_fold_takes_counters_in_order():
  seed = tf.constant(seeds.stream(1, 'client', 3))
  both = seed_folding.fold(seed, tf.constant(1), 2)
  np.testing.assert_array_equal(
    both, seed_folding.fold(seed_folding.fold(seed, 1), 2)
  )
  folded = [
    seed,
    both,
    seed_folding.fold(seed, 2, 1),
    seed_folding.fold(seed, -1, 2),
  ]
  assert len({tuple(one.numpy()) for one in folded}) == 4
  assert both.dtype == tf.int64


def test_fold_is_the_same_in_a_graph():
  seed = tf.constant(seeds.stream(1, 'rule'))
  folded = tf.function(lambda number: seed_folding.fold(seed, number))(
    tf.constant(7)
  )
  np.testing.assert_array_equal(folded, seed_folding.fold(seed, 7))
