"""Tests of gradient ascent."""

import numpy as np

from flsec.attacks.training.gradient_ascent import gradient_ascent


def test_it_sends_minus_the_honest_update(client):
  np.testing.assert_array_equal(
    client.attacked(gradient_ascent()), -client.run()
  )
  assert np.max(np.abs(client.run())) > 0.1


def test_it_leaves_the_training_itself_honest():
  attack = gradient_ascent()
  assert attack.poison is attack.gradient is attack.train is None
