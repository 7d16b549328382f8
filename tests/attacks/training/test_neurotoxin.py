"""Tests of Neurotoxin."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from flsec.attacks.data.label_flip import label_flip
from flsec.attacks.training.model_replacement import model_replacement
from flsec.attacks.training.neurotoxin import kept_coordinates, neurotoxin

FLIP = label_flip(source_label=1, target_label=2)


@pytest.mark.parametrize(
  ('previous', 'keep_fraction', 'expected'),
  [
    ([3.0, -5.0, 1.0, 4.0], 0.5, [1, 0, 1, 0]),
    ([3.0, -5.0, 1.0, 4.0], 1.0, [1, 1, 1, 1]),
    ([3.0, -5.0, 1.0, 4.0], 0.25, [0, 0, 1, 0]),
    ([2.0, 2.0, -2.0, 2.0], 0.75, [0, 1, 1, 1]),  # Ties: the lowest goes.
    ([0.0, 0.0, 7.0, 0.0], 0.5, [1, 1, 0, 1]),
    ([0.0, 0.0, 0.0, 0.0], 0.25, [1, 1, 1, 1]),
  ],
)
def test_the_largest_coordinates_are_masked(previous, keep_fraction, expected):
  kept = kept_coordinates(tf.constant(previous), keep_fraction)
  np.testing.assert_array_equal(kept, expected)


def test_only_kept_coordinates_move(client):
  update = client.attacked(neurotoxin(attack=FLIP, keep_fraction=0.5))
  largest = np.argsort(-np.abs(client.context.previous_update))[:6]
  assert np.all(update.numpy()[largest] == 0.0)
  assert np.sum(update != 0.0) == 6


def test_the_first_round_is_the_attack_alone(client):
  first = dataclasses.replace(client.context, previous_update=tf.zeros([12]))
  client = dataclasses.replace(client, context=first)
  np.testing.assert_array_equal(
    client.attacked(neurotoxin(attack=FLIP)), client.attacked(FLIP)
  )


def test_the_attacks_update_hook_and_victims_stay(client):
  scaled = model_replacement(attack=FLIP, scale=4.0)
  found = client.attacked(neurotoxin(attack=scaled, keep_fraction=0.5))
  unscaled = client.attacked(neurotoxin(attack=FLIP, keep_fraction=0.5))
  np.testing.assert_allclose(found, 4.0 * unscaled, rtol=1e-6)
  assert neurotoxin(attack=FLIP).victims is FLIP.victims


def test_xla_compiles_the_mask():
  compiled = tf.function(lambda u: kept_coordinates(u, 0.9), jit_compile=True)
  values = tf.random.stateless_normal([50], [1, 2])
  np.testing.assert_array_equal(compiled(values), kept_coordinates(values, 0.9))
  assert np.sum(compiled(values) == 0) == 5


@pytest.mark.parametrize('keep_fraction', [0.0, 1.01, -0.5])
def test_impossible_shares_are_refused(keep_fraction):
  with pytest.raises(ValueError, match=f'keep_fraction <= 1.*{keep_fraction}'):
    neurotoxin(attack=FLIP, keep_fraction=keep_fraction)
