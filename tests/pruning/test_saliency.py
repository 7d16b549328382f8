"""Saliency of all ordered pairs."""

import flap_reference as reference
import numpy as np
import tensorflow as tf

from flsec.pruning import criteria
from flsec.pruning.saliency import distances, saliency


def constants(*arrays):
  return [tf.constant(array, tf.float64) for array in arrays]


def test_worked_example():
  incoming = reference.INCOMING
  found = saliency(*constants(incoming, reference.BIAS, reference.OUTGOING))
  np.testing.assert_allclose(found[0, 1], 0.0360555, atol=5e-8)
  np.testing.assert_allclose(found[1, 0], 0.0707107, atol=5e-8)
  np.testing.assert_allclose(found[0, 2], 4.576491, atol=5e-7)


def test_all_pairs_match_the_reference():
  generator = np.random.default_rng(0)
  incoming, outgoing = (
    generator.normal(size=[20, 9]),
    generator.normal(size=[9, 4]),
  )
  bias = generator.normal(size=[9])
  bias[:3] = 0.0
  found = saliency(*constants(incoming, bias, outgoing))
  expected = reference.saliency(incoming, bias, outgoing)
  np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_a_criterion_weighs_by_the_removed_unit_as_the_paper_does():
  assert not criteria.Criterion('saliency').weigh_by_kept


def test_weigh_by_kept_swaps_the_outgoing_norm():
  generator = np.random.default_rng(1)
  incoming, outgoing = (
    generator.normal(size=[6, 4]),
    generator.normal(size=[4, 3]),
  )
  arguments = constants(incoming, np.ones(4), outgoing)
  kept = saliency(*arguments, weigh_by_kept=True).numpy()
  # The distance is symmetric, so that swapping roles transposes.
  np.testing.assert_allclose(kept, saliency(*arguments).numpy().T)


def test_equal_units_are_exactly_zero_apart():
  column = np.random.default_rng(2).normal(size=[300, 1]).astype(np.float32)
  incoming = np.concatenate([column, 2 * column, column], axis=1) + 100.0
  found = distances(*constants(incoming, [1.0, 1.0, 1.0]))
  assert found[0, 2] == found[2, 0] == 0.0
  assert found[0, 1] > 1.0


def test_bias_term_is_zero_where_biases_cancel():
  incoming = np.zeros([2, 2])
  found = distances(*constants(incoming, [0.5, -0.5]))
  np.testing.assert_array_equal(found, np.zeros([2, 2]))
  found = distances(*constants(incoming, [0.5, 0.25]))
  np.testing.assert_allclose(found[0, 1], 0.25 / 0.75)
