"""The server's state, as one struct of tensors, and what it broadcasts."""

import collections
from typing import Any

import numpy as np
import tensorflow as tf

from flsec.federated import local_training
from flsec.federated.plan import Plan
from flsec.pruning import schedule

Struct = collections.OrderedDict


def initial_state(plan: Plan) -> Struct:
  """Makes the state before round 1.

  Returns:
    weights float32 [d]; round int32, the last finished round; and, where the
    plan needs them, rule (the rule's own state), previous_update [d], attack
    (the attack's own state), perturbation [d] (see `flsec.metrics.drift`; 0
    after a round without attack), mask bool [d] (what a pruner has pruned),
    removed bool [d] (what a phase has removed for good), momenta
    [num_clients, d], slots [num_clients, num_slots, d] with counts int32
    [num_clients].

  Raises:
    ValueError: the plan's clients begin with a state that they do not keep, or
      that is one of other clients.
  """
  dimension = plan.dimension
  state = Struct(
    weights=tf.constant(plan.initial_weights, tf.float32),
    round=tf.constant(0, tf.int32),
  )
  _put(state, 'rule', plan.rule.initialize(dimension))
  if plan.attack:
    state['previous_update'] = tf.zeros([dimension])
    _put(state, 'attack', plan.attack.state)
    if plan.drift_radius is not None:
      state['perturbation'] = tf.zeros([dimension])
  if plan.pruner:
    state['mask'] = schedule.initial_mask(plan.model.layout)
  if plan.keeps_removed:
    removed = (
      np.zeros(dimension, bool) if plan.removed is None else plan.removed
    )
    state['removed'] = tf.constant(removed)
  num_clients = plan.clients.num_clients
  if plan.clients.momentum:
    state['momenta'] = tf.zeros([num_clients, dimension])
  if plan.keeps_slots:
    rows = local_training.num_slots(plan.clients)
    state['slots'] = tf.zeros([num_clients, rows, dimension])
    state['counts'] = tf.zeros([num_clients], tf.int32)
  for name, value in plan.client_state.items():
    kept = list(state[name].shape) if name in state else 'not kept'
    if kept != list(value.shape):
      raise ValueError(
        f'The clients start from {name} of shape {list(value.shape)}, which '
        f'are {kept} here. Leave out start_from.client_state, or give the '
        'clients the settings and the model of the run that they start from.'
      )
    state[name] = tf.constant(value)
  return state


def broadcast_of(plan: Plan, state: Struct) -> Struct:
  """Picks what clients are sent: a struct of tensors."""
  names = ['weights', 'round', 'removed']
  if plan.attack and plan.attack.changes_training:
    names += ['previous_update', 'attack']
  if plan.keeps_slots:
    names += ['slots', 'counts']
  return Struct((name, state[name]) for name in names if name in state)


def own_state(state: Struct, name: str, like: Any) -> Any:
  """Restores a component's own state to the structure of `like`."""
  tensors = list(state[name].values()) if name in state else []
  return tf.nest.pack_sequence_as(like, tensors)


def put_own_state(state: Struct, name: str, value: Any) -> Struct:
  """Returns `state` with a component's own state replaced."""
  state = Struct(state)
  if name in state:
    tensors = map(tf.convert_to_tensor, tf.nest.flatten(value))
    state[name] = Struct(zip(state[name], tensors))
  return state


def _put(state: Struct, name: str, value: Any) -> None:
  tensors = [tf.convert_to_tensor(leaf) for leaf in tf.nest.flatten(value)]
  if tensors:  # TFF has no use for empty structs.
    state[name] = Struct((f'leaf_{i}', leaf) for i, leaf in enumerate(tensors))
