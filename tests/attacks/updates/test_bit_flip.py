"""Tests of bit flipping."""

import numpy as np
import tensorflow as tf

from flsec.attacks.attack import AttackContext
from flsec.attacks.training.gradient_ascent import gradient_ascent
from flsec.attacks.updates.bit_flip import bit_flip


def test_the_gradient_changes_its_sign():
  context = AttackContext(weights=tf.zeros([3]))
  flipped = bit_flip().gradient(
    tf.constant([1.0, -2.0, 0.0]), tf.ones([3]), context
  )
  np.testing.assert_array_equal(flipped, [-1.0, 2.0, 0.0])


def test_momentum_takes_minus_the_gradient():
  """m <- beta m - (1 - beta) g, as the hybrid sparse attack's paper trains."""
  context, beta = AttackContext(weights=tf.zeros([1])), 0.9
  momentum = tf.constant([2.0])
  flipped = bit_flip().gradient(tf.constant([3.0]), tf.zeros([1]), context)
  np.testing.assert_allclose(
    beta * momentum + (1 - beta) * flipped, [0.9 * 2.0 - 0.1 * 3.0], rtol=1e-6
  )


def test_several_steps_climb_and_are_not_minus_the_honest_update(client):
  climbed, mirrored = (
    client.attacked(bit_flip()),
    client.attacked(gradient_ascent()),
  )
  start = client.context.weights
  first = client.gradient(start, client.y)
  second = client.gradient(start + 0.5 * first, client.y)
  third = client.gradient(start + 0.5 * (first + second), client.y)
  np.testing.assert_allclose(
    climbed, 0.5 * (first + second + third), rtol=1e-4, atol=1e-6
  )
  assert np.max(np.abs(climbed - mirrored)) > 1e-3
