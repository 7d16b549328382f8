"""Rounds that every runtime has to agree on: rules, attacks, everything."""

import numpy as np
import tensorflow_federated as tff
import tiny_federation as tiny

from flsec import attacks, pruning, registry
from flsec.data.dataset import Split
from flsec.federated import process

NUM_CLIENTS, NUM_BYZANTINE = 8, 1
MALICIOUS = np.arange(NUM_CLIENTS) < NUM_BYZANTINE
ATTACKS = {
  'none': None,
  'label_flip': {'source_label': 1, 'target_label': 2},
  'ipm': {},
  'sign_flip': {},
}
# What a required option is given.
_OPTIONS = {
  'num_byzantine': NUM_BYZANTINE,
  'num_clients': NUM_CLIENTS,
  'rule': {'name': 'multi_krum', 'num_byzantine': NUM_BYZANTINE},
}
_BY_RULE = {
  'trimmed_mean': {'num_byzantine': NUM_BYZANTINE},
  'gas': {'num_groups': 3},
}


def rule(name):
  """Builds any registered rule."""
  entry = registry.entry('aggregator', name)
  required = [o.name for o in entry.options if o.is_required]
  options = {key: _OPTIONS[key] for key in required}
  return registry.build(
    'aggregator', name, **{**options, **_BY_RULE.get(name, {})}
  )


def everything():
  """A plan that uses all parts at once: momentum, slots, attack, pruning."""
  clients = tiny.clients_config(
    NUM_CLIENTS,
    momentum=0.9,
    optimizer={
      'learning_rate': 0.01,
      'persistent': True,
      **tiny.TAME_ADAM,
    },
  )
  return plan(
    'centered_clipping', 'ipm', clients=clients, pruner=pruning.build('flap')
  )


def plan(rule_name, attack_name, **options):
  """A plan of eight clients, the first of which is malicious."""
  chosen = ATTACKS[attack_name]
  attack = chosen is not None and tiny.attack_plan(
    attacks.build(attack_name, **chosen), MALICIOUS
  )
  held = tiny.federation([9], seed=9)
  server_set = Split(held.x, held.y)
  return tiny.plan(
    NUM_CLIENTS,
    rule=rule(rule_name),
    attack=attack or None,
    root=server_set,
    validation=server_set,
    **options,
  )


def clients():
  """Shards of unequal sizes, one below the batch size."""
  sizes = [6, 5, 9, 3, 8, 7, 4, 10]
  return tiny.structs(tiny.federation(sizes), MALICIOUS)


def build(rule_name, attack_name):
  return process.build_process(plan(rule_name, attack_name))


def process_of(next_fn, dtype=np.float32):
  """A process from 0; `next_fn` takes and returns numbers."""

  @tff.federated_computation
  def initialize():
    return tff.federated_value(dtype(0), tff.SERVER)

  return tff.templates.IterativeProcess(
    initialize,
    tff.federated_computation(
      next_fn,
      tff.FederatedType(dtype, tff.SERVER),
      tff.FederatedType(dtype, tff.CLIENTS),
    ),
  )


def two_exchanges():
  """A process with no MapReduceForm: the mean, and then twice the mean."""

  @tff.tensorflow.computation(np.float32, np.float32)
  def add(a, b):
    return a + b

  def next_fn(state, values):
    mean = tff.federated_mean(values)
    again = tff.federated_map(add, (values, tff.federated_broadcast(mean)))
    return tff.federated_mean(again), state

  return process_of(next_fn)
