"""Tests of composed attacks."""

import numpy as np
import pytest
import tensorflow as tf

from flsec import registry
from flsec.attacks.attack import Attack
from flsec.attacks.compose import compose
from flsec.attacks.data.badnets import badnets
from flsec.attacks.data.label_flip import label_flip
from flsec.attacks.training.flip_and_ascent import flip_and_ascent
from flsec.attacks.training.gradient_ascent import gradient_ascent
from flsec.attacks.training.neurotoxin import neurotoxin

FLIP = label_flip(source_label=1, target_label=2)


def test_the_registry_builds_nested_attacks(client):
  attack = registry.build(
    'attack',
    'compose',
    attacks=[
      {'name': 'label_flip', 'source_label': 1, 'target_label': 2},
      'gradient_ascent',
    ],
  )
  assert attack.name == 'label_flip+gradient_ascent'
  np.testing.assert_array_equal(client.attacked(attack), -client.attacked(FLIP))
  assert attack.victims is not None


def test_one_attack_is_that_attack(client):
  attack = compose(attacks=[FLIP])
  np.testing.assert_array_equal(client.attacked(attack), client.attacked(FLIP))
  assert attack.poison is FLIP.poison and attack.craft is None


def test_poison_runs_in_order(client):
  back = label_flip(source_label=2, target_label=0)
  _, y = compose(attacks=[FLIP, back]).poison(
    client.x, tf.constant([0, 1, 2]), client.context
  )
  np.testing.assert_array_equal(y, [0, 0, 0])
  _, y = compose(attacks=[back, FLIP]).poison(
    client.x, tf.constant([0, 1, 2]), client.context
  )
  np.testing.assert_array_equal(y, [0, 2, 0])


def test_victims_are_the_first_ones(client):
  backdoor = badnets(trigger={'features': [0]}, target_label=0)
  attack = compose(attacks=[gradient_ascent(), backdoor, FLIP])
  assert attack.victims is backdoor.victims


def test_other_attacks_join_every_training(client):
  attack = compose(attacks=[neurotoxin(attack=FLIP), gradient_ascent()])
  np.testing.assert_array_equal(
    client.attacked(attack), -client.attacked(neurotoxin(attack=FLIP))
  )
  # The honest part too is trained on what the other attack poisons.
  attack = compose(attacks=[flip_and_ascent(flip=FLIP), FLIP])
  np.testing.assert_allclose(client.attacked(attack), np.zeros(12), atol=1e-6)


def test_crafting_keeps_its_knowledge_and_state():
  crafting = Attack(
    'crafty',
    craft=lambda own, benign, context: own,
    default_knowledge='full',
    initialize=lambda *args: 7,
  )
  attack = compose(attacks=[FLIP, crafting])
  assert attack.craft is crafting.craft
  assert attack.default_knowledge == 'full'
  assert attack.initialize() == 7


def test_impossible_compositions_are_refused():
  with pytest.raises(ValueError, match='at least one attack; got none'):
    compose(attacks=[])
  trainings = [flip_and_ascent(), FLIP, neurotoxin(attack=FLIP)]
  with pytest.raises(
    ValueError, match=r"with `train`.*'flip_and_ascent' and 'neurotoxin\(label"
  ):
    compose(attacks=trainings)
  crafty = Attack('crafty', craft=lambda own, benign, context: own)
  with pytest.raises(ValueError, match=r"with `craft`.*'crafty' and 'crafty'"):
    compose(attacks=[crafty, crafty])
