"""What the server does with the clients' results, up to the next broadcast."""

import collections
import dataclasses
from typing import Callable, Union

import tensorflow as tf

from flsec import seeds
from flsec.aggregators.rule import ServerContext
from flsec.federated import (
  adversary,
  schedules,
  seed_folding,
  server_context,
  stacking,
  stage_clock,
  state,
)
from flsec.federated.plan import Plan
from flsec.federated.sent_rows import Measured
from flsec.metrics import drift
from flsec.numerics import row_norms, scaled_sums
from flsec.pruning import schedule
from flsec.pruning.pruner import PruningContext

Struct = collections.OrderedDict


def build_server_step(plan: Plan) -> Callable[[Struct, Struct], tuple]:
  """Builds `(state, stack) -> (state, metrics)`.

  In this order: client momentum, the adversary, the rule (which screens
  rows), the server's step, pruning. The weights in the new state, which the
  next round broadcasts, are the pruned ones.

  `metrics` holds per row, by client id: client_id, rank int32 [n]; weight,
  loss, norm, selected float32 [n]; is_finite bool [n] (norm and is_finite: of
  what the rule is given); and scalars: update_norm, num_dropped, pruned (bool),
  with the rule's own measurements under `rule/` (too_few_clients int32: 1 where
  the rule's minimum was not met, so that the plan's policy stepped in), the
  pruning record under `pruning/` and the seconds of each stage under
  `seconds/`.
  """

  def server_step(server_state: Struct, stack: Struct) -> tuple:
    clock = stage_clock.StageClock(runs=not plan.static_rows)
    stack = stacking.in_client_order(stack)
    round_number = server_state['round'] + 1
    new_state = Struct(server_state)
    new_state['round'] = round_number
    metrics = Struct(
      (name, stack[name])
      for name in ('client_id', 'rank', 'weight', 'loss', 'norm', 'is_finite')
    )
    if plan.streams:
      update, measurements = _streamed(plan, stack)
    else:
      updates = clock.start(_rows(plan, new_state, server_state, stack))
      updates, sent = adversary.rewrite(plan, server_state, updates, metrics)
      updates = clock.end('attack', updates)
      metrics.update(norm=sent.norm, is_finite=sent.is_finite)
      update, measurements = _aggregated(
        plan, new_state, server_state, updates, metrics
      )
      metrics.update(_measured(plan, updates, metrics, measurements, sent))
      metrics.update(_drift(plan, new_state, server_state, updates, metrics))
    if plan.keeps_removed:  # Where weights are 0, and stay so.
      update = tf.where(server_state['removed'], 0.0, update)
    update = clock.end('rule', update)
    if 'previous_update' in new_state:
      new_state['previous_update'] = update
    rate = _rate(plan, round_number)
    new_state['weights'] = server_state['weights'] + rate * update
    pruned, record = _prune(plan, new_state, round_number)
    new_state['weights'] = clock.end('pruning', new_state['weights'])
    metrics.update(
      selected=measurements.pop('selected'),
      num_dropped=measurements.pop('num_dropped', tf.constant(0)),
      update_norm=row_norms.row_norms(update[tf.newaxis])[0][0],
      pruned=pruned,
    )
    named = (('rule', measurements), ('pruning', record))
    for prefix, values in (*named, ('seconds', clock.seconds)):
      for name in sorted(values):
        metrics[f'{prefix}/{name}'] = values[name]
    return new_state, metrics

  return server_step


def _rate(plan: Plan, round_number: tf.Tensor) -> Union[float, tf.Tensor]:
  """Returns the server's learning rate of a round."""
  rate, schedule = plan.server_learning_rate, plan.server_schedule
  if schedule.name == 'constant':
    return rate
  return rate * schedules.factor(schedule, round_number)


def _takes_part(rows: Struct) -> tf.Tensor:
  """Returns bool [n]: rows that are finite, and of a client with examples."""
  return tf.logical_and(rows['is_finite'], rows['weight'] > 0)


def _measured(
  plan: Plan,
  updates: tf.Tensor,
  rows: Struct,
  measurements: dict[str, tf.Tensor],
  sent: Measured,
) -> Struct:
  """Measures the adversary on the rows that the rule was given."""
  measured = Struct()
  if plan.attack is None:
    return measured
  measured['attack/cosine_to_benign'] = sent.cosine
  if plan.escape:
    malicious = tf.logical_and(rows['rank'] >= 0, rows['weight'] > 0)
    shares = plan.escape(updates, malicious, measurements['selected'])
    for name in sorted(shares):
      measured[f'escape/{name}'] = shares[name]
  return measured


def _drift(
  plan: Plan,
  new_state: Struct,
  old_state: Struct,
  updates: tf.Tensor,
  rows: Struct,
) -> Struct:
  """Measures how the adversary drifts from the rule's centre.

  What it leaves for the next round goes into `new_state`.
  """
  if 'perturbation' not in old_state:
    return Struct()
  own = tf.where((rows['rank'] >= 0) & _takes_part(rows))[:, 0]
  like = plan.rule.initialize(plan.dimension)
  found = drift.drift(
    tf.gather(updates, own),
    state.own_state(old_state, 'rule', like),
    old_state['perturbation'],
    plan.drift_radius,
  )
  is_active = plan.attack.is_active(new_state['round'])
  new_state['perturbation'] = tf.where(is_active, found.perturbation, 0.0)
  return Struct(
    (f'escape/{name}', getattr(found, name))
    for name in ('angle_degrees', 'cosine', 'drift_norm')
  )


def _aggregated(
  plan: Plan,
  new_state: Struct,
  old_state: Struct,
  updates: tf.Tensor,
  rows: Struct,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Applies the rule; its own state goes into `new_state`."""
  like = plan.rule.initialize(plan.dimension)
  context = dataclasses.replace(
    rule_context(plan, old_state['weights'], new_state['round']),
    client_ids=rows['client_id'],
    is_finite=rows['is_finite'],
  )
  rule_state, update, measurements = plan.rule.next(
    state.own_state(old_state, 'rule', like), updates, rows['weight'], context
  )
  new_state.update(state.put_own_state(new_state, 'rule', rule_state))
  return update, dict(measurements)


def _streamed(
  plan: Plan, stack: Struct
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Divides the sum by its weights; with too few clients nothing is left."""
  takes_part = _takes_part(stack)
  count = tf.reduce_sum(tf.cast(takes_part, tf.int32))
  weight = tf.where(takes_part, stack['weight'], 0.0)
  mean = tf.math.divide_no_nan(stack['sum'], stack['sum_weight'])
  update = scaled_sums.undo(mean, tf.constant(stacking.SUM_SCALE))
  dropped = tf.cast(~stack['is_finite'], tf.int32)
  return update, {
    'selected': tf.math.divide_no_nan(weight, stack['sum_weight']),
    'num_dropped': tf.reduce_sum(dropped),
    'too_few_clients': tf.cast(count < plan.rule.minimum_clients, tf.int32),
  }


def _rows(
  plan: Plan, new_state: Struct, old_state: Struct, stack: Struct
) -> tf.Tensor:
  """Returns what clients send; their own state goes into `new_state`."""
  updates = tf.ensure_shape(
    stack['updates'], [plan.num_participants, plan.dimension]
  )
  places = stack['client_id'][:, tf.newaxis]
  if plan.keeps_slots:
    for name in ('slots', 'counts'):
      new_state[name] = tf.tensor_scatter_nd_update(
        old_state[name], places, stack[name]
      )
  if plan.clients.momentum:
    updates = _with_momentum(plan, new_state, old_state, stack, updates)
  return updates


def _with_momentum(
  plan: Plan,
  new_state: Struct,
  old_state: Struct,
  stack: Struct,
  updates: tf.Tensor,
) -> tf.Tensor:
  """Returns the rows with momentum, which `new_state` remembers.

  A client's momentum is a running mean of its own updates: kept here for all
  clients, it gives each row the value that the client would send. That of a
  client whose update does not count stays as it was: NaN would stay for good.
  """
  beta, ids = plan.clients.momentum, stack['client_id']
  momenta = old_state['momenta']
  everyone = plan.num_participants == plan.clients.num_clients
  before = momenta if everyone else tf.gather(momenta, ids)
  updates = beta * before + (1.0 - beta) * updates
  counts = _takes_part(stack)
  kept = tf.cond(
    tf.reduce_all(counts),
    lambda: updates,
    lambda: tf.where(counts[:, tf.newaxis], updates, before),
  )
  new_state['momenta'] = (
    kept
    if everyone
    else tf.tensor_scatter_nd_update(momenta, ids[:, tf.newaxis], kept)
  )
  return updates


def rule_context(
  plan: Plan, weights: tf.Tensor, round_number: tf.Tensor
) -> ServerContext:
  """Returns what the rule is told in a round that starts at `weights`."""
  seed = tf.constant(seeds.stream(plan.seed, 'rule'))
  return server_context.build_server_context(
    model=plan.model,
    training=plan.root_training,
    root=plan.root,
    validation=plan.validation,
    weights=weights,
    round_number=round_number,
    seed=tf.bitcast(seed_folding.fold(seed, round_number), tf.int32)[:, 0],
  )


def _prune(
  plan: Plan, new_state: Struct, round_number: tf.Tensor
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Prunes the new weights on schedule; returns (whether, record)."""
  pruner = plan.pruner
  if pruner is None:
    return tf.constant(False), {}
  seed = seed_folding.fold(
    tf.constant(seeds.stream(plan.seed, 'pruning')), round_number
  )
  new_state['weights'], new_state['mask'], record = schedule.prune_if_due(
    pruner,
    new_state['weights'],
    plan.model.layout,
    PruningContext(round_number, seed, plan.input_range),
    new_state['mask'],
  )
  return pruner.is_due(round_number), record
