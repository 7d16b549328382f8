"""Tests of client work compiled by XLA, on the CPU."""

import numpy as np
import pytest
import tensorflow as tf
import tiny_federation as tiny
import xla_programs

from flsec import attacks
from flsec.federated import client_work, process, state
from flsec.runtime.compiled_work import CompiledWork
from flsec.runtime.device import Device
from flsec.runtime.in_process import InProcess

_XLA = Device('/CPU:0', uses_xla=True)


def _work(rows, factor):
  return [tf.reduce_sum(rows) * factor, rows * factor]


def _clients(sizes):
  rng = np.random.default_rng(0)
  return [[tf.constant(rng.normal(size=s), tf.float32)] for s in sizes]


@pytest.mark.parametrize('sizes', [[3], [3] * 5, [3, 2, 3, 2, 3], [1, 2, 3]])
def test_results_come_in_client_order(sizes):
  clients = _clients(sizes)
  compiled = CompiledWork(_work, '/CPU:0', clients_per_launch=2)
  results = list(compiled(clients, [tf.constant(2.0)]))
  for (rows,), (total, scaled) in zip(clients, results):
    np.testing.assert_allclose(total, 2 * np.sum(rows), rtol=1e-6)
    np.testing.assert_allclose(scaled, 2 * rows, rtol=1e-6)


def test_few_programs_serve_many_clients():
  compiled = CompiledWork(_work, '/CPU:0', clients_per_launch=4)
  for _ in range(2):
    list(compiled(_clients([3] * 11 + [2] * 6), [tf.constant(2.0)]))
  # Two sizes, each four at once and one by one.
  assert compiled.program.experimental_get_tracing_count() == 4


def test_inputs_are_stacked_once_while_the_same_clients_take_part():
  clients = _clients([3] * 4)
  compiled = CompiledWork(_work, '/CPU:0', clients_per_launch=2)
  list(compiled(clients, [tf.constant(1.0)]))
  held = dict(compiled._stacked)
  list(compiled(clients, [tf.constant(2.0)]))
  assert all(compiled._stacked[key] is value for key, value in held.items())
  list(compiled(_clients([3] * 2), [tf.constant(2.0)]))
  assert len(compiled._stacked) == 1  # What left is not kept.


@pytest.mark.parametrize(
  ('rule', 'optimizer'),
  [('mean', {'name': 'sgd'}), ('median', tiny.TAME_ADAM)],
)
def test_a_round_is_that_of_the_plain_path(rule, optimizer):
  # Shards of one batch and of three: XLA compiles for each.
  federated = tiny.federation([9, 4, 11, 12, 3])
  malicious = np.array([True, False, False, False, False])
  given = {
    'rule': rule,
    'attack': tiny.attack_plan(
      attacks.build('label_flip', source_label=1, target_label=2), malicious
    ),
    'clients': tiny.clients_config(
      5, optimizer={'learning_rate': 0.05, **optimizer}
    ),
  }
  plain = tiny.run(
    tiny.plan(5, **given), tiny.structs(federated, malicious), rounds=2
  )
  padded = tiny.plan(5, padded=True, **given)
  clients = tiny.structs(federated, malicious, batch_size=4)
  with InProcess(
    process.build_process(padded), num_threads=1, device=_XLA
  ) as runtime:
    state = runtime.initialize()
    for _ in range(2):
      state, _ = runtime.next(state, clients)
  # Two rounds of two epochs of three batches at most, on both paths.
  tiny.assert_close(state['weights'], tiny.weights_of(plain)[-1], steps=2 * 12)


_TRIGGER = {'features': [0], 'value': 1.0}


@pytest.mark.parametrize(
  ('attack', 'options'),
  [
    (None, {}),
    ('label_flip', {'source_label': 1, 'target_label': 2}),
    ('label_random', {'num_classes': 3}),
    ('badnets', {'trigger': _TRIGGER, 'target_label': 0}),
    (
      'model_replacement',
      {'attack': {'name': 'badnets', 'trigger': _TRIGGER, 'target_label': 0}},
    ),
  ],
)
@pytest.mark.parametrize('steps', [None, 3])
def test_one_program_trains_in_every_round(attack, options, steps):
  if attack:
    attack = tiny.attack_plan(
      attacks.build(attack, **options), [True, False, False, False, False]
    )
  optimizer = {'learning_rate': 0.05, 'name': 'adam', 'persistent': True}
  clients = tiny.clients_config(5, optimizer=optimizer, steps=steps)
  plan = tiny.plan(
    5, padded=True, attack=attack, clients=clients, rule='median'
  )
  client = tiny.structs(tiny.federation([9, 4, 7, 12, 3]), batch_size=4)[0]
  broadcast = state.broadcast_of(plan, state.initial_state(plan))
  work = client_work.build_client_work(plan)

  given = [broadcast, client]

  def trained(*leaves):
    return work(*tf.nest.pack_sequence_as(given, leaves))

  assert xla_programs.is_compiled_once(trained, *tf.nest.flatten(given))
