"""Tests of hooks run one behind the other."""

import numpy as np
import tensorflow as tf

from flsec.attacks import hooks
from flsec.attacks.attack import AttackContext
from flsec.attacks.data.label_random import label_random
from flsec.attacks.updates.bit_flip import bit_flip

CONTEXT = AttackContext(weights=tf.zeros([1]), seed=tf.constant([3, 4]))


def test_nothing_chains_to_nothing():
  for chain in (
    hooks.chain_poison,
    hooks.chain_gradient,
    hooks.chain_projection,
    hooks.chain_update,
  ):
    assert chain([None, None]) is None


def test_each_poison_draws_from_its_own_seed():
  x, y = tf.zeros([200, 1]), tf.zeros([200], tf.int32)
  poison = label_random(num_classes=1000).poison
  drawn = []

  def watched(x, y, context):
    drawn.append(poison(x, y, context)[1].numpy())
    return x, y

  hooks.chain_poison([watched, watched, watched])(x, y, CONTEXT)
  np.testing.assert_array_equal(drawn[0], poison(x, y, CONTEXT)[1])
  for i, j in [(0, 1), (0, 2), (1, 2)]:
    assert np.mean(drawn[i] == drawn[j]) < 0.1


def test_gradients_run_in_order():
  chained = hooks.chain_gradient(
    [lambda g, w, c: g + w, None, lambda g, w, c: g * 2.0]
  )
  assert chained(1.0, 10.0, CONTEXT) == 22.0


def test_projections_run_in_order():
  chained = hooks.chain_projection([lambda w, c: w + 1, lambda w, c: w * 2])
  assert chained(3, CONTEXT) == 8


def test_joined_hooks_come_behind_the_trainings_own():
  seen = {}

  def run(poison=None, gradient=None, project=None, start=None):
    seen.update(gradient=gradient, poison=poison, start=start)
    return 0.0

  training = hooks.join_training(
    lambda run, context: run(gradient=lambda g, w, c: g + 1, start=5),
    gradient=lambda g, w, c: g * 10,
  )
  training(run, CONTEXT)
  assert seen['gradient'](2, None, CONTEXT) == 30
  assert seen['poison'] is None and seen['start'] == 5


def test_base_training_runs_the_attacks_hooks(client):
  attack = bit_flip()
  found = hooks.base_training(attack)(client.run, client.context)
  np.testing.assert_array_equal(found, client.attacked(attack))


def test_trainings_start_at_other_weights_unless_told(client):
  other = client.context.weights + 1.0
  moved = hooks.starting_at(client.run, other)
  np.testing.assert_array_equal(moved(), client.run(start=other))
  np.testing.assert_array_equal(
    moved(start=client.context.weights), client.run()
  )
