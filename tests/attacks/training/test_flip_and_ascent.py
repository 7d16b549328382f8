"""Tests of label flipping with gradient ascent."""

import dataclasses

import numpy as np
import pytest

from flsec import registry
from flsec.attacks.data.label_flip import label_flip
from flsec.attacks.training.flip_and_ascent import flip_and_ascent
from flsec.attacks.updates.bit_flip import bit_flip

FLIP = label_flip(source_label=1, target_label=2)


def flipped(client):
  return dataclasses.replace(client, y=FLIP.poison(0, client.y, None)[1])


def test_both_trainings_start_from_the_global_weights(client):
  expected = flipped(client).run() - client.run()
  found = client.attacked(flip_and_ascent(flip=FLIP))
  np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_sequential_training_starts_where_the_honest_one_ended(client):
  honest = client.run()
  start = client.context.weights + honest
  expected = flipped(client).run(start=start) - honest
  found = client.attacked(flip_and_ascent(flip=FLIP, is_sequential=True))
  np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
  assert np.max(np.abs(found - client.attacked(flip_and_ascent(flip=FLIP)))) > 0


def test_the_default_flip_is_the_papers_permutation(client):
  attack = registry.build('attack', 'flip_and_ascent')
  found = client.attacked(attack)
  permuted = dataclasses.replace(client, y=client.context.attack_labels)
  expected = permuted.run() - client.run()
  np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
  assert attack.victims is None


def test_victims_come_from_the_flip():
  attack = registry.build('attack', 'flip_and_ascent', flip='label_flip')
  assert attack.victims is not None


def test_a_flip_without_poison_is_refused():
  with pytest.raises(ValueError, match="poisons examples; got 'bit_flip'"):
    flip_and_ascent(flip=bit_flip())
