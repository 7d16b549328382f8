"""Runs a craft as the round does, for the tests of this folder."""

import numpy as np
import tensorflow as tf

from flsec import attacks
from flsec.attacks import attack as attack_lib


def context(**fields):
  """A context of round 2 with 25 clients, 5 of them malicious."""
  given = {
    'weights': None,
    'seed': tf.constant([3, 4]),
    'num_clients': tf.constant(25),
    'num_byzantine': tf.constant(5),
  }
  given.update(fields)
  return attack_lib.AttackContext(**given)


def visible(benign, knowledge):
  """The benign rows that the round hands to a craft of this knowledge."""
  return benign if knowledge == 'full' else benign[:0]


def craft(name, own, benign, *, knowledge='full', fields=None, **options):
  """Builds an attack, crafts once and returns a NumPy array [c, d]."""
  attack = attacks.build(name, **options)
  rows = attack.craft(
    tf.constant(own, tf.float32),
    visible(tf.constant(benign, tf.float32), knowledge),
    context(**(fields or {})),
  )
  return rows.numpy()


def stack(num_rows, dimension, *, seed=0, centre=1.0):
  """Rows around `centre`, unequally far from it, float32."""
  generator = np.random.default_rng(seed)
  spread = generator.uniform(0.5, 2.0, size=(num_rows, 1))
  rows = centre + spread * generator.normal(size=(num_rows, dimension))
  return rows.astype(np.float32)
