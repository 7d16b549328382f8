import numpy as np
import pytest
import tensorflow as tf
from mask_layouts import KERNELS, MIXED

from flsec import models
from flsec.attacks.updates.masks import saliency
from flsec.attacks.updates.masks.saliency import PruningPlan
from flsec.models.flat import FlatModel

SEED = tf.constant([1, 2])
# Every kernel entry has its own score; the output kernel's are the highest.
SCORES = tf.constant(np.arange(1, MIXED.size + 1), tf.float32)
NUM_KERNEL, NUM_OUTPUT = 936, 100


class _Linear:
  """Loss sum_i w_i * mean of x over the batch: a gradient known by hand."""

  def loss_and_gradient(self, weights, x, y, *, seed):
    assert seed.shape == [2]
    gradient = tf.reduce_mean(x, axis=0) * tf.cast(weights != 0, tf.float32)
    return tf.reduce_sum(weights * gradient), gradient

  def logits(self, weights, x):
    return tf.square(x * weights)


def test_worked_schedule():
  assert saliency.schedule(1000, 5, 4) == [265, 70, 18, 5]


@pytest.mark.parametrize(
  ('size', 'kept', 'steps'), [(61706, 308, 100), (9, 9, 3)]
)
def test_the_schedule_falls_to_what_is_kept(size, kept, steps):
  counts = saliency.schedule(size, kept, steps)
  assert len(counts) == steps and counts[-1] == kept
  assert counts == sorted(counts, reverse=True) and counts[0] <= size


def test_keeps_the_most_salient_kernel_entries():
  plan = PruningPlan(0.05, 3)
  mask = saliency.prune(lambda *_: SCORES, MIXED, plan, SEED).numpy()
  entries = np.concatenate([np.arange(*span) for span in KERNELS])
  np.testing.assert_array_equal(np.flatnonzero(mask), entries[-46:])


def test_ties_keep_the_lowest_entries():
  plan = PruningPlan(0.01, 2)
  flat = tf.ones([MIXED.size])
  mask = saliency.prune(lambda *_: flat, MIXED, plan, SEED).numpy()
  np.testing.assert_array_equal(np.flatnonzero(mask), np.arange(9))


def test_the_cap_moves_the_rest_to_other_layers():
  plan = PruningPlan(0.2, 5, output_fraction=0.25)
  mask = saliency.prune(lambda *_: SCORES, MIXED, plan, SEED).numpy()
  kept = 187  # floor(0.2 * 936)
  assert mask.sum() == kept
  np.testing.assert_array_equal(np.flatnonzero(mask[876:976]), range(75, 100))
  np.testing.assert_array_equal(
    np.flatnonzero(mask[56:856]), range(800 - (kept - 25), 800)
  )


def test_a_cap_that_does_not_bind_changes_nothing():
  free = saliency.prune(
    lambda *_: -SCORES + 2000, MIXED, PruningPlan(0.2, 5), SEED
  )
  capped = saliency.prune(
    lambda *_: -SCORES + 2000, MIXED, PruningPlan(0.2, 5, 0.9), SEED
  )
  np.testing.assert_array_equal(free, capped)


def test_a_cap_below_what_the_others_can_take_keeps_fewer():
  plan = PruningPlan(1.0, 2, output_fraction=0.25)
  mask = saliency.prune(lambda *_: SCORES, MIXED, plan, SEED).numpy()
  assert mask.sum() == NUM_KERNEL - NUM_OUTPUT + 25
  assert mask[876:976].sum() == 25


def test_each_step_sees_the_mask_of_the_step_before():
  seen = []

  def measure(mask, seed):
    seen.append(mask.numpy())
    return SCORES

  saliency.prune(measure, MIXED, PruningPlan(0.1, 3), SEED)
  counts = saliency.schedule(NUM_KERNEL, 93, 3)
  kernels = np.concatenate([np.arange(*span) for span in KERNELS])
  assert [mask[kernels].sum() for mask in seen] == [NUM_KERNEL, *counts[:2]]
  others = np.setdiff1d(np.arange(MIXED.size), kernels)
  assert all((mask[others] == 1).all() for mask in seen)


def test_pruned_entries_may_return():
  def measure(mask, seed):
    # Whatever was kept loses its score.
    return SCORES * (2 - mask)

  first = saliency.prune(measure, MIXED, PruningPlan(0.4, 1), SEED).numpy()
  second = saliency.prune(measure, MIXED, PruningPlan(0.4, 2), SEED).numpy()
  assert (second & ~first).sum() > 0


def test_connection_saliency_is_the_mean_of_magnitudes_over_batches():
  size = 6
  weights = tf.constant([1.0, -2, 3, -4, 5, -6])
  x = np.random.default_rng(0).normal(size=(8, size)).astype(np.float32)
  measure = saliency.connection_saliency(
    _Linear(),
    weights,
    tf.constant(x),
    tf.zeros([8], tf.int32),
    batch_size=4,
    num_batches=3,
  )
  mask = tf.constant([1.0, 1, 0, 1, 1, 1])
  drawn = tf.random.stateless_uniform(
    [3, 4], SEED, maxval=8, dtype=tf.int32, alg='philox'
  ).numpy()
  gradients = x[drawn].mean(axis=1) * mask.numpy()
  expected = np.abs(weights.numpy() * gradients).mean(axis=0)
  np.testing.assert_allclose(measure(mask, SEED), expected, rtol=1e-5)


def test_synaptic_saliency_multiplies_by_its_own_gradient():
  weights = tf.constant([1.0, -2.0, 3.0])
  measure = saliency.synaptic_saliency(_Linear(), weights, tf.zeros([4, 3]))
  # R = sum |w|^2 c^2: |w| dR/d|w| = 2 |w|^2.
  mask = tf.constant([1.0, 1.0, 0.0])
  np.testing.assert_allclose(measure(mask, SEED), [2.0, 8.0, 0.0])


def test_force_runs_on_a_network_that_drops_units():
  model = FlatModel(
    models.build(
      'mlp', input_shape=(4, 4, 1), num_classes=3, hidden=[8], dropout=0.5
    )
  )
  measure = saliency.connection_saliency(
    model,
    tf.constant(model.initial_weights(1)),
    tf.ones([6, 4, 4, 1]),
    tf.constant([0, 1, 2, 0, 1, 2]),
    batch_size=4,
    num_batches=2,
  )
  plan = PruningPlan(0.25, 3)
  mask = saliency.prune(measure, model.layout, plan, SEED).numpy()
  assert mask.sum() == (16 * 8 + 8 * 3) // 4
