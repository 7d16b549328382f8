import numpy as np
import pytest
import tensorflow as tf
from mask_layouts import MIXED, TRACKED

from flsec.attacks.updates.masks import random_masks

SEED = tf.constant([1, 2])


@pytest.mark.parametrize('fraction', [0.005, 0.2, 1.0])
def test_random_keeps_the_floor_of_all_trained_weights(fraction):
  mask = random_masks.random(MIXED, fraction, SEED).numpy()
  assert mask.sum() == int(fraction * (MIXED.size - 8) + 1e-9)
  assert not mask[slice(*TRACKED)].any()


def test_layerwise_keeps_one_more_than_the_floor_of_each_tensor():
  mask = random_masks.layerwise(MIXED, 0.2, SEED, only_kernels=False).numpy()
  counts = [
    mask[start:stop].sum()
    for start, stop in [(0, 36), (36, 40), (44, 48), (56, 856), (876, 976)]
  ]
  assert counts == [8, 1, 1, 161, 21]
  assert not mask[slice(*TRACKED)].any()


def test_layerwise_of_kernels_leaves_the_rest():
  mask = random_masks.layerwise(MIXED, 0.2, SEED, only_kernels=True).numpy()
  assert mask.sum() == 8 + 161 + 21
  assert not mask[36:56].any() and not mask[856:876].any()


def test_layerwise_of_everything_is_everything():
  mask = random_masks.layerwise(MIXED, 1.0, SEED, only_kernels=False).numpy()
  assert mask.sum() == MIXED.size - 8


@pytest.mark.parametrize('maker', ['random', 'layerwise'])
def test_the_seed_decides(maker):
  def make(seed):
    if maker == 'random':
      return random_masks.random(MIXED, 0.3, tf.constant(seed)).numpy()
    return random_masks.layerwise(
      MIXED, 0.3, tf.constant(seed), only_kernels=True
    ).numpy()

  np.testing.assert_array_equal(make([7, 7]), make([7, 7]))
  assert (make([7, 7]) != make([7, 8])).sum() > 100


def test_random_reaches_every_tensor_in_proportion():
  counts = np.zeros(MIXED.size)
  for draw in range(200):
    counts += random_masks.random(MIXED, 0.5, tf.constant([draw, 0])).numpy()
  np.testing.assert_allclose(counts[56:856].mean() / 200, 0.5, atol=0.02)
  np.testing.assert_allclose(counts[:36].mean() / 200, 0.5, atol=0.05)
