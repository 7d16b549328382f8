"""Propagated impact of all ordered pairs."""

import flap_reference as reference
import numpy as np
import pytest
import tensorflow as tf

from flsec.pruning import impact as impact_lib
from flsec.pruning.intervals import Interval

WEIGHTS = {
  'l1_weight': 0.75,
  'entropy_weight': 0.25,
  'similarity_threshold': 0.9,
}


def score(units, outgoing, kernels=(), **options):
  """Scores the pairs of units given as a list of intervals."""
  low, high = np.transpose(units)
  return impact_lib.impact(
    Interval(tf.constant(low, tf.float64), tf.constant(high, tf.float64)),
    tf.constant(outgoing, tf.float64),
    [tf.constant(kernel, tf.float64) for kernel in kernels],
    **{'passes_activation': bool(kernels), **WEIGHTS, **options},
  )


def test_worked_example():
  found = score([(0, 1), (0, 1.1), (1, 3)], reference.OUTGOING)
  np.testing.assert_allclose(found.norm[0, 1], 1.05, rtol=1e-12)
  expected = 0.75 * reference.sigmoid(1.05) + 0.25 * 2.0 / 3.0
  np.testing.assert_allclose(found.score[0, 1], expected, rtol=1e-11)
  np.testing.assert_allclose(found.score[0, 1], 0.722248, atol=5e-7)


@pytest.mark.parametrize('sizes', [(5, 9, 4), (5, 9, 7, 4), (5, 9, 7, 6, 10)])
@pytest.mark.parametrize('scale', [0.05, 0.5])
def test_all_pairs_match_the_reference(sizes, scale):
  layout = reference.perceptron(sizes)
  weights = reference.random_weights(layout, scale=scale)
  bounds = reference.unit_bounds(weights, layout)
  scores, norms = reference.impact(weights, layout, 'dense_0', bounds)
  kernels = [
    reference.part(weights, layer.kernel) for layer in layout.layers[1:]
  ]
  found = score(bounds['dense_0'], kernels[0], kernels[1:])
  np.testing.assert_allclose(found.norm, norms, rtol=1e-9)
  np.testing.assert_allclose(found.score, scores, atol=2e-12)


@pytest.mark.parametrize('entries', [1, 40, 100000])
def test_chunks_do_not_show(entries, monkeypatch):
  generator = np.random.default_rng(0)
  units = np.sort(generator.normal(size=[7, 2]), axis=1)
  outgoing = generator.normal(size=[7, 5])
  whole = score(units, outgoing)
  monkeypatch.setattr(impact_lib, '_CHUNK_ENTRIES', entries)
  np.testing.assert_array_equal(score(units, outgoing).score, whole.score)


@pytest.mark.parametrize('threshold', [0.0, 0.5, 1.0])
def test_entropy_follows_the_threshold(threshold):
  outgoing = np.random.default_rng(4).normal(size=[3, 6])
  units = [(0, 1), (0.2, 0.9), (-1, 0.3)]
  found = score(
    units,
    outgoing,
    l1_weight=0.0,
    entropy_weight=1.0,
    similarity_threshold=threshold,
  )
  for a in range(3):
    for b in range(3):
      difference = units[a][0] - units[b][1], units[a][1] - units[b][0]
      changes = [reference.scaled(difference, w) for w in outgoing[b]]
      _, entropy = reference.l1_and_entropy(changes, threshold)
      np.testing.assert_allclose(
        found.score[a, b], reference.sigmoid(entropy), atol=1e-9
      )


def test_equal_changes_have_no_entropy():
  found = score([(0, 1), (0, 1)], np.ones([2, 5]), l1_weight=0.0)
  np.testing.assert_allclose(found.score, np.full([2, 2], 0.125), atol=1e-12)


def test_unlike_changes_have_the_largest_entropy():
  outgoing = np.array([[1.0, 10.0, 100.0]] * 2)
  found = score([(0, 1), (0, 1)], outgoing, similarity_threshold=1.0)
  largest = reference.sigmoid(np.log(3))
  expected = 0.75 * reference.sigmoid(222.0) + 0.25 * largest
  np.testing.assert_allclose(found.score[0, 1], expected, atol=1e-12)


def test_a_silent_row_changes_nothing():
  found = score([(0, 1), (0, 2)], [[1.0, 2.0], [0.0, 0.0]])
  np.testing.assert_allclose(found.norm[:, 1], 0.0)
  np.testing.assert_allclose(found.score[0, 1], 0.75 * 0.5 + 0.25 * 0.5)


def test_norm_tells_apart_what_the_sigmoid_does_not():
  found = score([(0, 60), (0, 50)], np.ones([2, 1]))
  assert found.score[0, 1] == found.score[1, 0]
  assert found.norm[0, 1] == found.norm[1, 0] == 110.0
  wider = score([(0, 60), (0, 50)], [[1.0], [1.1]])
  assert wider.norm[0, 1] > wider.norm[1, 0]
  assert wider.score[0, 1] == wider.score[1, 0]


def test_bounds_hold_for_real_changes():
  generator = np.random.default_rng(3)
  h = generator.uniform(size=[400, 2])
  outgoing = generator.normal(size=[2, 6])
  kernel = generator.normal(size=[6, 4])
  before = np.maximum(h @ outgoing, 0) @ kernel
  merged = np.stack([outgoing[0] + outgoing[1], np.zeros(6)])
  change = np.maximum(h @ merged, 0) @ kernel - before
  found = score([(0, 1), (0, 1)], outgoing, [kernel])
  # L bounds the total width of the changes that occur.
  assert np.ptp(change, axis=0).sum() <= found.norm[0, 1]
