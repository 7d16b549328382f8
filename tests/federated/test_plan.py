"""When an attack is active, and what a plan says of itself."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
import tiny_federation as tiny

from flsec.attacks.attack import Attack

_FIRST_OF_FOUR = [True, False, False, False]


def _identity(*values):
  return values[0]


@pytest.mark.parametrize(
  'schedule, expected',
  [
    ({}, [1, 2, 3, 4, 5, 6, 7]),
    ({'start_round': 3}, [3, 4, 5, 6, 7]),
    ({'start_round': 3, 'stop_round': 5}, [3, 4, 5]),
    ({'start_round': 2, 'every': 2}, [2, 4, 6]),
    ({'start_round': 2, 'every': 3, 'stop_round': 5}, [2, 5]),
    ({'start_round': 6, 'stop_round': 5}, []),
  ],
)
def test_attacked_rounds(schedule, expected):
  attack = tiny.attack_plan(Attack('x'), _FIRST_OF_FOUR, **schedule)
  active = tf.function(attack.is_active)
  found = [n for n in range(1, 8) if active(tf.constant(n))]
  assert found == expected
  # Also outside of graphs, where the round loop asks.
  assert found == [n for n in range(1, 8) if attack.is_active(n)]
  assert attack.is_always_active == (found == [*range(1, 8)])


@pytest.mark.parametrize(
  'hook', ['poison', 'gradient', 'project', 'update', 'train']
)
def test_hooks_of_clients_change_training(hook):
  attack = tiny.attack_plan(Attack('x', **{hook: _identity}), _FIRST_OF_FOUR)
  assert attack.changes_training


def test_crafting_does_not_change_training():
  attack = tiny.attack_plan(Attack('x', craft=_identity), _FIRST_OF_FOUR)
  assert not attack.changes_training


class TestStreaming:
  def test_a_mean_streams(self):
    assert tiny.plan().streams

  def test_also_under_an_attack_on_training(self):
    attack = tiny.attack_plan(Attack('x', poison=_identity), _FIRST_OF_FOUR)
    assert tiny.plan(attack=attack).streams

  @pytest.mark.parametrize(
    'options',
    [
      {'rule': 'median'},
      {'attack': tiny.attack_plan(Attack('x', craft=_identity), [True, False])},
      {'clients': tiny.clients_config(momentum=0.9)},
      {
        'clients': tiny.clients_config(
          optimizer={'learning_rate': 0.1, 'name': 'adam', 'persistent': True}
        )
      },
    ],
  )
  def test_what_needs_rows_does_not(self, options):
    assert not tiny.plan(**options).streams


class TestInputRange:
  def _plan(self, dtype, scale, shift):
    model = tiny.model()
    model.scale, model.shift = scale, shift
    return tiny.plan(model=model, example_dtype=dtype)

  def test_of_images(self):
    found = self._plan('uint8', 1 / 255, 0.0).input_range
    np.testing.assert_allclose(found, (0, 1))

  def test_of_inverted_images(self):
    found = self._plan('uint8', -1 / 255, 1.0).input_range
    np.testing.assert_allclose(found, (0, 1), atol=1e-12)

  def test_of_features_that_were_looked_at(self):
    plan = dataclasses.replace(
      self._plan('float32', 2.0, -1.0), stored_range=(-3.0, 16.0)
    )
    np.testing.assert_allclose(plan.input_range, (-7, 31))

  def test_of_features(self):
    found = self._plan('float32', 2.0, -1.0).input_range
    np.testing.assert_allclose(found, (-1, 1))
