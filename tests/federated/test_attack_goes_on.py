"""Attackers that train twice in a round with one optimiser."""

import dataclasses

import mlp_reference
import numpy as np
import pytest
import tensorflow as tf
import tiny_federation as tiny

from flsec.attacks.attack import Attack
from flsec.attacks.compose import compose
from flsec.attacks.data.label_permutation import label_permutation
from flsec.attacks.training.flip_and_ascent import flip_and_ascent
from flsec.attacks.training.gradient_ascent import gradient_ascent
from flsec.attacks.training.projected import projected
from flsec.attacks.training.scaling import scaling
from flsec.federated import client_work, state
from flsec.federated.attack_training import AttackTraining

_MALICIOUS = [False, True, False, True]
_SIZES = [6, 9, 4, 10]
_CLIENT = 1  # Nine examples: three batches of four, in two epochs.
_STEPS = 6
_ADAM = {'learning_rate': 0.01, 'persistent': True, **tiny.TAME_ADAM}
_AMP = {'replication': 'agramplifier'}


def _sent(attack, config, labels, training=None):
  """Returns what the client sends and keeps, as NumPy, and its plan."""
  plan = tiny.plan(
    attack=tiny.attack_plan(attack, _MALICIOUS, training=training),
    clients=config,
  )
  held = dataclasses.replace(tiny.federation(_SIZES), attack_y=labels)
  client = tiny.structs(held, _MALICIOUS)[_CLIENT]
  server_state = state.initial_state(plan)
  if config.optimizer.persistent:
    slots = np.zeros([4, 2, plan.dimension], np.float32)
    slots[_CLIENT] = 0.25
    server_state['slots'] = tf.constant(slots)
    server_state['counts'] = tf.constant([0, 40, 0, 0])
  work = tf.function(client_work.build_client_work(plan), autograph=False)
  result = work(state.broadcast_of(plan, server_state), client)
  return tf.nest.map_structure(lambda leaf: leaf.numpy(), result), plan


def _expected(config, labels, plan):
  """Returns the honest and the flipped update, and the optimiser after both.

  In float64: the second training starts where the first ended, in weights and
  moments.
  """
  optimizer = mlp_reference.Optimizer(config.optimizer, plan.dimension)
  if config.optimizer.persistent:
    optimizer.first += 0.25
    optimizer.second += 0.25
    optimizer.count = 40
  weights = plan.initial_weights.astype(np.float64)
  updates = []
  federated = tiny.federation(_SIZES)
  for y in (federated.y, labels):
    client = tiny.structs(dataclasses.replace(federated, y=y))[_CLIENT]
    batches = mlp_reference.batches_of(config, client, 1)
    update, _ = mlp_reference.train(
      weights, batches, config.optimizer, optimizer=optimizer
    )
    updates.append(update)
    weights = weights + update
  return *updates, optimizer


@pytest.mark.parametrize(
  'attack, combined',
  [
    (label_permutation(**_AMP), lambda honest, flipped: flipped),
    (gradient_ascent(**_AMP), lambda honest, flipped: -honest),
    (flip_and_ascent(**_AMP), lambda honest, flipped: flipped - honest),
    # Two of four attack: scaled by two.
    (
      scaling(attack=label_permutation(), **_AMP),
      lambda honest, flipped: honest + 2 * flipped,
    ),
    # Wrappers and companions leave the going on alone.
    (
      compose(attacks=[flip_and_ascent(**_AMP), Attack('nothing')]),
      lambda honest, flipped: flipped - honest,
    ),
  ],
  ids=lambda value: getattr(value, 'name', ''),
)
def test_both_trainings_share_the_optimizer_that_the_client_keeps(
  attack, combined
):
  config = tiny.clients_config(optimizer=_ADAM)
  labels = np.roll(tiny.federation(_SIZES).y, 7)
  found, plan = _sent(attack, config, labels)
  honest, flipped, optimizer = _expected(config, labels, plan)
  steps = 4 * _STEPS
  tiny.assert_close(found['update'], combined(honest, flipped), steps=steps)
  assert found['count'] == 40 + 2 * _STEPS
  tiny.assert_close(found['slots'][0], optimizer.first, steps=steps)
  tiny.assert_close(found['slots'][1], optimizer.second, steps=steps)


def test_moments_go_on_within_a_round_where_they_do_not_live_longer():
  sgd = {'name': 'sgd', 'learning_rate': 0.1, 'momentum': 0.9}
  config = tiny.clients_config(optimizer=sgd)
  labels = np.roll(tiny.federation(_SIZES).y, 7)
  found, plan = _sent(label_permutation(**_AMP), config, labels)
  _, flipped, _ = _expected(config, labels, plan)
  tiny.assert_close(found['update'], flipped, steps=4 * _STEPS)
  assert 'slots' not in found


def test_the_second_training_of_the_others_begins_anew():
  # As ever: moments of the round's beginning, and those of the honest training
  # are kept.
  config = tiny.clients_config(optimizer=_ADAM)
  labels = np.roll(tiny.federation(_SIZES).y, 7)
  anew, plan = _sent(flip_and_ascent(is_sequential=True), config, labels)
  on, _ = _sent(flip_and_ascent(**_AMP), config, labels)
  assert np.abs(anew['update'] - on['update']).max() > 1e-4
  honest, _, _ = _expected(config, labels, plan)
  ascent, _ = _sent(gradient_ascent(), config, labels)
  tiny.assert_close(ascent['update'], -honest, steps=_STEPS)
  assert anew['count'] == ascent['count'] == 40 + _STEPS
  np.testing.assert_array_equal(anew['slots'], ascent['slots'])


def test_projections_hold_in_both_trainings():
  config = tiny.clients_config(optimizer=_ADAM)
  labels = np.roll(tiny.federation(_SIZES).y, 7)
  attack = projected(attack=flip_and_ascent(**_AMP), norm='linf', radius=1e-3)
  found, _ = _sent(attack, config, labels)
  assert found['count'] == 40 + 2 * _STEPS
  # Both ends are in the ball, so the second change is at most its diameter.
  assert 1e-3 < np.abs(found['update']).max() <= 3e-3 * (1 + 1e-4)


def test_an_optimizer_of_its_own_does_not_go_on():
  config = tiny.clients_config(optimizer=_ADAM)
  training = AttackTraining(config, keeps_slots=False)
  with pytest.raises(ValueError, match=r'Leave attack\.training\.optimizer'):
    _sent(gradient_ascent(**_AMP), config, tiny.federation(_SIZES).y, training)


@pytest.mark.parametrize(
  'build, words',
  [
    (lambda: gradient_ascent(replication='amp'), 'one of none, agramplifier'),
    (lambda: label_permutation(replication='amp'), 'one of none, agramplifier'),
    (lambda: flip_and_ascent(replication='amp'), 'one of none, agramplifier'),
    (
      lambda: scaling(attack=label_permutation(), replication='amp'),
      'one of none, agramplifier',
    ),
    (
      lambda: flip_and_ascent(is_sequential=True, **_AMP),
      'Leave is_sequential out',
    ),
    (
      lambda: scaling(
        attack=label_permutation(), has_honest_part=False, **_AMP
      ),
      'Leave has_honest_part out',
    ),
  ],
)
def test_what_cannot_be_is_refused(build, words):
  with pytest.raises(ValueError, match=words):
    build()
