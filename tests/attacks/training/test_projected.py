"""Tests of projected training."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from flsec.attacks.attack import AttackContext
from flsec.attacks.data.label_flip import label_flip
from flsec.attacks.training.flip_and_ascent import flip_and_ascent
from flsec.attacks.training.gradient_ascent import gradient_ascent
from flsec.attacks.training.projected import projected

FLIP = label_flip(source_label=1, target_label=2)
CONTEXT = AttackContext(weights=tf.constant([1.0, 1.0]))


@pytest.mark.parametrize(
  ('norm', 'radius', 'weights', 'expected'),
  [
    ('l2', 2.5, [4.0, 5.0], [2.5, 3.0]),  # u = (3, 4) halved.
    ('l2', 5.0, [4.0, 5.0], [4.0, 5.0]),
    ('l2', 1.0, [1.0, 1.0], [1.0, 1.0]),
    ('linf', 2.0, [4.0, 0.5], [3.0, 0.5]),
    ('linf', 2.0, [1.5, -9.0], [1.5, -1.0]),
  ],
)
def test_weights_move_to_the_nearest_point(norm, radius, weights, expected):
  attack = projected(attack=FLIP, radius=radius, norm=norm)
  found = attack.project(tf.constant(weights), CONTEXT)
  np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize(('norm', 'order'), [('l2', 2), ('linf', np.inf)])
def test_what_is_sent_is_scaled_and_within_the_scaled_radius(
  client, norm, order
):
  attack = projected(attack=FLIP, radius=0.05, norm=norm, scale=3.0)
  sent = client.attacked(attack)
  assert np.linalg.norm(sent, order) == pytest.approx(0.15, rel=1e-4)


def test_its_name_holds_the_attacks():
  assert projected(attack=FLIP, radius=1.0).name == 'projected(label_flip)'


def test_a_wide_ball_changes_nothing(client):
  sent = client.attacked(projected(attack=FLIP, radius=1e6))
  np.testing.assert_allclose(sent, client.attacked(FLIP), rtol=1e-5, atol=1e-6)


def test_the_attacks_own_hooks_come_first(client):
  attack = projected(attack=gradient_ascent(), radius=0.05, scale=2.0)
  honest = client.attacked(
    projected(attack=dataclasses.replace(FLIP, poison=None), radius=0.05)
  )
  np.testing.assert_allclose(client.attacked(attack), -2.0 * honest, rtol=1e-5)


def test_a_training_of_its_own_is_bounded_too(client):
  attack = projected(attack=flip_and_ascent(flip=FLIP), radius=0.05)
  # Two trainings within the ball differ by at most twice its radius.
  assert 0.0 < np.linalg.norm(client.attacked(attack)) <= 0.1 + 1e-6
  assert np.linalg.norm(client.attacked(flip_and_ascent(flip=FLIP))) > 0.1


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'radius': 0.0}, r'radius > 0; got 0\.0'),
    ({'radius': 1.0, 'scale': -1.0}, r'scale > 0; got -1\.0'),
    ({'radius': 1.0, 'norm': 'l_inf'}, "norms l2, linf; got 'l_inf'"),
    ({'radius': float('nan')}, 'radius > 0; got nan'),
  ],
)
def test_impossible_options_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    projected(attack=FLIP, **options)
