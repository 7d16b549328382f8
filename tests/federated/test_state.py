"""What the server keeps between rounds, and what of it clients are sent."""

import numpy as np
import pytest
import tensorflow as tf
import tiny_federation as tiny

from flsec import pruning
from flsec.attacks.attack import Attack
from flsec.federated import state

_ADAM = {'learning_rate': 0.1, 'name': 'adam', 'persistent': True}
_STATE = (tf.constant([1.0, 2.0]), {'k': tf.constant(3)})


def _poisoning():
  attack = Attack('x', poison=lambda x, y, context: (x, y))
  return tiny.attack_plan(attack, [True] + [False] * 3, state=_STATE)


def test_plain_mean_keeps_weights_and_round():
  plan = tiny.plan()
  found = state.initial_state(plan)
  assert list(found) == ['weights', 'round']
  np.testing.assert_array_equal(found['weights'], plan.initial_weights)
  assert found['round'].numpy() == 0


def test_each_part_is_there_where_it_is_needed():
  plan = tiny.plan(
    rule='centered_clipping',
    attack=_poisoning(),
    pruner=pruning.build('flap'),
    clients=tiny.clients_config(momentum=0.9, optimizer=_ADAM),
  )
  found = state.initial_state(plan)
  d = plan.dimension
  shapes = {
    'previous_update': [d],
    'mask': [d],
    'momenta': [4, d],
    'slots': [4, 2, d],
    'counts': [4],
  }
  for name, shape in shapes.items():
    assert found[name].shape == shape, name
    assert not np.any(found[name])
  assert {'rule', 'attack'} <= set(found)


class TestBroadcast:
  def _names(self, **options):
    plan = tiny.plan(**options)
    return list(state.broadcast_of(plan, state.initial_state(plan)))

  def test_honest_clients_get_the_weights(self):
    assert self._names() == ['weights', 'round']
    assert self._names(rule='centered_clipping') == ['weights', 'round']

  def test_attackers_in_training_get_what_they_know(self):
    expected = ['weights', 'round', 'previous_update', 'attack']
    assert self._names(attack=_poisoning()) == expected

  def test_attackers_of_rows_get_nothing_more(self):
    attack = Attack('x', craft=lambda own, benign, context: own)
    planned = tiny.attack_plan(attack, [True] + [False] * 3)
    assert self._names(attack=planned) == ['weights', 'round']

  def test_slots_travel_where_they_live_on(self):
    clients = tiny.clients_config(optimizer=_ADAM)
    assert self._names(clients=clients)[2:] == ['slots', 'counts']


class TestOwnState:
  @pytest.fixture
  def server_state(self):
    return state.initial_state(tiny.plan(attack=_poisoning()))

  def test_comes_back_in_its_own_structure(self, server_state):
    first, second = state.own_state(server_state, 'attack', _STATE)
    np.testing.assert_array_equal(first, [1.0, 2.0])
    assert second['k'].numpy() == 3

  def test_is_replaced_in_a_copy(self, server_state):
    new = (tf.constant([5.0, 6.0]), {'k': tf.constant(7)})
    changed = state.put_own_state(server_state, 'attack', new)
    np.testing.assert_array_equal(
      state.own_state(changed, 'attack', _STATE)[0], [5.0, 6.0]
    )
    np.testing.assert_array_equal(
      state.own_state(server_state, 'attack', _STATE)[0], [1.0, 2.0]
    )
    assert list(changed) == list(server_state)

  def test_a_component_without_state_has_none(self, server_state):
    assert state.own_state(server_state, 'rule', ()) == ()
    unchanged = state.put_own_state(server_state, 'rule', ())
    assert list(unchanged) == list(server_state)
