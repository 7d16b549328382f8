"""Tests of the scaling attack."""

import dataclasses

import numpy as np
import pytest

from flsec.attacks.data.label_flip import label_flip
from flsec.attacks.training.flip_and_ascent import flip_and_ascent
from flsec.attacks.training.gradient_ascent import gradient_ascent
from flsec.attacks.training.scaling import scaling

FLIP = label_flip(source_label=1, target_label=2)


def flipped(client):
  return dataclasses.replace(client, y=FLIP.poison(0, client.y, None)[1])


def test_without_an_honest_part_it_is_the_attack_times_n_over_f(client):
  found = client.attacked(scaling(attack=FLIP, has_honest_part=False))
  np.testing.assert_allclose(
    found, 5.0 * client.attacked(FLIP), rtol=1e-5, atol=1e-6
  )


def test_with_it_the_poisoned_part_starts_from_the_honest_weights(client):
  honest = client.run()
  poisoned = flipped(client).run(start=client.context.weights + honest)
  found = client.attacked(scaling(attack=FLIP))
  np.testing.assert_allclose(
    found, honest + 5.0 * poisoned, rtol=1e-5, atol=1e-5
  )


def test_a_given_scale_is_used(client):
  honest = client.run()
  one = client.attacked(scaling(attack=FLIP, scale=1.0))
  seven = client.attacked(scaling(attack=FLIP, scale=7.0))
  np.testing.assert_allclose(
    seven - honest, 7.0 * (one - honest), rtol=1e-4, atol=1e-5
  )


def test_the_attacks_update_hook_comes_after(client):
  found = client.attacked(scaling(attack=gradient_ascent(), scale=2.0))
  honest = client.run()
  second = client.run(start=client.context.weights + honest)
  np.testing.assert_allclose(
    found, -(honest + 2.0 * second), rtol=1e-5, atol=1e-5
  )


def test_an_attack_with_its_own_training_starts_from_the_honest_weights(client):
  base = flip_and_ascent(flip=FLIP, is_sequential=True)
  honest = client.run()
  start = client.context.weights + honest
  again = client.run(start=start)
  flip = flipped(client).run(start=start + again)
  found = client.attacked(scaling(attack=base, scale=3.0))
  np.testing.assert_allclose(
    found, honest + 3.0 * (flip - again), rtol=1e-4, atol=1e-5
  )


def test_a_scale_that_is_not_positive_is_refused():
  with pytest.raises(ValueError, match='scaling needs scale > 0; got 0'):
    scaling(attack=FLIP, scale=0)
