"""Counts the passes over the stack of updates in the server's part of a round.

Run `python -m benchmarks.passes [repeats]`. The setting is that of the hybrid
sparse attack's perceptron: 25 clients of 407,050 weights with momentum, 5 of
them malicious. A pass is the CPU time of one copy of the stack (read and
written), taken in turns with what it is set against: on a machine with other
work, seconds mean little and ratios hold. The server's part is stacking the
rows, momentum, the attack, norms and measures; what the rule takes by itself,
of the rows that it is given, is not in it. What each of them takes is told by
leaving it out.
"""

import sys
import time
from typing import Any, Callable

import numpy as np
import tensorflow as tf

from benchmarks import timing
from flsec import aggregators, attacks, models
from flsec.aggregators.rule import Rule, ServerContext
from flsec.config import schema
from flsec.federated import adversary, server_step, state
from flsec.federated.plan import AttackPlan, Plan
from flsec.models.flat import FlatModel

MOST_PASSES = 4.0
_CLIENTS, _BYZANTINE = 25, 5
_RULES = (
  ('median', {}),
  ('trimmed_mean', {'num_byzantine': _BYZANTINE}),
  ('multi_krum', {'num_byzantine': _BYZANTINE}),
  ('centered_clipping', {}),
)
_PARTS = {
  'neither momentum nor attack': (0.0, None),
  'momentum': (0.9, None),
  'ALIE': (0.0, 'alie'),
  'hybrid sparse': (0.0, 'hybrid_sparse'),
  'momentum and hybrid sparse': (0.9, 'hybrid_sparse'),
}
Call = Callable[[], Any]


def plan_of(
  model: FlatModel, rule: Rule, *, momentum: float, attack: Any
) -> Plan:
  """Returns the plan of a round; every fifth client is malicious."""
  adversaries = None
  if attack:
    is_hybrid = attack == 'hybrid_sparse'
    adversaries = AttackPlan(
      attacks.build(attack, **({'mask': 'random'} if is_hybrid else {})),
      np.arange(_CLIENTS) % (_CLIENTS // _BYZANTINE) == 0,
      'full',
      state=(np.arange(model.num_weights) % 100 == 0) if is_hybrid else (),
      num_participants=_BYZANTINE,
    )
  return Plan(
    model=model,
    clients=schema.ClientsConfig(
      num_clients=_CLIENTS,
      momentum=momentum,
      optimizer=schema.OptimizerConfig(learning_rate=0.1),
    ),
    rule=rule,
    initial_weights=model.initial_weights(1),
    seed=1,
    num_participants=_CLIENTS,
    attack=adversaries,
  )


def stack_of(plan: Plan, rows: np.ndarray) -> dict[str, tf.Tensor]:
  """Returns what the clients' results are joined to."""
  malicious = plan.attack.malicious if plan.attack else np.zeros(_CLIENTS, bool)
  ranks = np.where(malicious, np.cumsum(malicious) - 1, -1)
  return {
    'client_id': tf.range(_CLIENTS),
    'rank': tf.constant(ranks, tf.int32),
    'weight': tf.fill([_CLIENTS], 32.0),
    'loss': tf.ones([_CLIENTS]),
    'norm': tf.constant(np.linalg.norm(rows, axis=1)),
    'is_finite': tf.fill([_CLIENTS], True),
    'updates': tf.constant(rows),
  }


def calls_of(plan: Plan, rows: np.ndarray) -> tuple[Call, Call]:
  """Returns the server's part, and the rule alone on the rows it is given."""
  start, stack = state.initial_state(plan), stack_of(plan, rows)
  step = _graph(server_step.build_server_step(plan), start, stack)
  stateful = plan.rule.unscreened or plan.rule

  def sent(start: Any, stack: Any) -> tf.Tensor:
    updates = (1.0 - plan.clients.momentum) * stack['updates']
    return adversary.rewrite(plan, start, updates, stack)[0]

  def alone(updates: tf.Tensor) -> tf.Tensor:
    context = ServerContext(seed=tf.constant([0, 0]))
    weights = tf.ones([_CLIENTS])
    begin = stateful.initialize(plan.dimension)
    return stateful.next(begin, updates, weights, context)[1]

  given = _graph(sent, start, stack)(start, stack)
  rule = _graph(alone, given)
  return lambda: step(start, stack), lambda: rule(given)


def _graph(function: Callable[..., Any], *arguments: Any) -> Callable[..., Any]:
  traced = tf.function(function, autograph=False)
  return traced.get_concrete_function(*arguments)


def _copies(rows: np.ndarray) -> dict[str, Call]:
  """Returns a copy of the stack, and the one that makes it of its rows."""
  into = np.zeros_like(rows)
  each = [tf.constant(row[np.newaxis]) for row in rows]
  return {
    'copy': lambda: np.copyto(into, rows),
    'stacking': lambda: tf.concat(each, axis=0),
  }


def main(repeats: Any = 20) -> int:
  """Prints the passes; returns 1 where there are more than the target."""
  # As `runtime.in_process` runs graphs.
  tf.config.optimizer.set_experimental_options({'disable_meta_optimizer': True})
  model = FlatModel(
    models.build('mlp', input_shape=(28, 28, 1), num_classes=10, hidden=(512,))
  )
  shape = _CLIENTS, model.num_weights
  rows = np.random.default_rng(1).standard_normal(shape, np.float32)
  calls = _copies(rows)
  whole = {'momentum': 0.9, 'attack': 'hybrid_sparse'}
  for name, options in _RULES:
    plan = plan_of(model, aggregators.build(name, **options), **whole)
    calls[name], calls[f'{name} alone'] = calls_of(plan, rows)
  median = aggregators.build('median')
  for name, (momentum, attack) in _PARTS.items():
    plan = plan_of(model, median, momentum=momentum, attack=attack)
    calls[name], calls[f'{name} alone'] = calls_of(plan, rows)
  used = timing.in_turns(calls, int(repeats), warm=2, clock=time.process_time)
  return _print(used, shape)


def _print(used: dict[str, float], shape: tuple[int, int]) -> int:
  one = used['copy']
  passes = {name: seconds / one for name, seconds in used.items()}
  print(f'{list(shape)} float32; a pass is {1e3 * one:.2f} ms of CPU time')
  print(f'stacking the rows: {passes["stacking"]:.1f} passes')
  print(f'{"server, less its rule":<32}{"passes":>8}{"rule alone":>12}')
  failed = False
  for name in [*(name for name, _ in _RULES), *_PARTS]:
    alone = passes[f'{name} alone']
    server = passes['stacking'] + passes[name] - alone
    verdict = ''
    if name not in _PARTS:
      is_above = server > MOST_PASSES
      failed = failed or is_above
      verdict = f'  (at most {MOST_PASSES:g}: {"ABOVE" if is_above else "ok"})'
    print(f'{name:<32}{server:>8.1f}{alone:>12.1f}{verdict}')
  return int(failed)


if __name__ == '__main__':
  sys.exit(main(*sys.argv[1:]))
