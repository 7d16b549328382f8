"""The adversary at work on the stack of updates, within its knowledge."""

import functools

import numpy as np
import tensorflow as tf

from flsec import seeds
from flsec.attacks.attack import AttackContext
from flsec.federated import seed_folding, sent_rows, state
from flsec.federated.plan import Plan
from flsec.federated.sent_rows import Measured
from flsec.federated.state import Struct
from flsec.numerics import columns, riders


def rewrite(
  plan: Plan, server_state: Struct, updates: tf.Tensor, rows: Struct
) -> tuple[tf.Tensor, Measured]:
  """Replaces the malicious rows by what the attack crafts from what it knows.

  An attack stated on gradients is given the negated rows and last update, and
  what it crafts is negated back. It neither sees nor counts rows that will be
  dropped: one NaN would make NaN of all that it crafts.

  Args:
    plan: the round's plan; its knowledge decides what `craft` sees.
    server_state: the state before the round.
    updates: float32 [n, d], by client id.
    rows: of the same clients, rank int32 [n] (which of the malicious clients a
      row is from; else -1), weight float32 [n] (its number of examples), norm
      float32 [n] and is_finite bool [n] of what it has trained.

  Returns:
    float32 [n, d], benign rows as they were; and what is measured of them all.
  """
  if plan.attack is None or plan.attack.attack.craft is None:
    return updates, sent_rows.measure(plan, updates, rows)
  round_number = server_state['round'] + 1

  def craft_where_some() -> tuple[tf.Tensor, Measured]:
    own_rows, benign_rows = _rows_that_count(plan, rows)

    def craft() -> tf.Tensor:
      benign = _benign(plan, updates, benign_rows)
      context = _context(plan, server_state, own_rows, benign_rows)
      return _replaced(plan, updates, own_rows, benign, context)[0]

    sent = tf.cond(tf.size(own_rows) > 0, craft, lambda: updates)
    return sent, sent_rows.measure(plan, sent, rows)

  def craft_of_all() -> tuple[tf.Tensor, Measured]:
    malicious = plan.attack.malicious
    if plan.num_participants != len(malicious):
      return craft_where_some()
    craft = functools.partial(_craft_of_all, plan, server_state, updates, rows)
    if plan.static_rows:
      return craft()
    counts = tf.logical_and(rows['is_finite'], rows['weight'] > 0)
    return tf.cond(tf.reduce_all(counts), craft, craft_where_some)

  return tf.cond(
    plan.attack.is_active(round_number),
    craft_of_all,
    lambda: (updates, sent_rows.measure(plan, updates, rows)),
  )


def _craft_of_all(
  plan: Plan, server_state: Struct, updates: tf.Tensor, rows: Struct
) -> tuple[tf.Tensor, Measured]:
  """Crafts where all rows count: they are known now, and shapes are static."""
  own_rows, benign_rows = (
    tf.constant(np.flatnonzero(chosen), tf.int32)
    for chosen in (plan.attack.malicious, ~plan.attack.malicious)
  )
  context = _context(plan, server_state, own_rows, benign_rows)
  benign = _benign(plan, updates, benign_rows)
  if not (benign.shape[0] and own_rows.shape[0]):
    sent = _replaced(plan, updates, own_rows, benign, context)[0]
    return sent, sent_rows.measure(plan, sent, rows)
  cut_from = riders.Source(
    updates, lambda block: _turned(plan, tf.gather(block, benign_rows))
  )
  asked = sent_rows.askers(plan, benign)
  with columns.along(benign, *asked, cut_from=cut_from) as answers:
    sent, crafted = _replaced(plan, updates, own_rows, benign, context)
  mean, *squares = answers()
  return sent, sent_rows.measure_parts(
    plan, rows, sent, crafted, _turned(plan, mean), *squares
  )


def _rows_that_count(plan: Plan, rows: Struct) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns the malicious and the benign row numbers, int32."""
  is_own, has_examples = rows['rank'] >= 0, rows['weight'] > 0
  seen = tf.logical_and(has_examples, rows['is_finite'])
  # With full knowledge nothing is made of the own rows; they are only replaced.
  sent = has_examples if plan.attack.knowledge == 'full' else seen
  numbers = tf.range(tf.size(is_own))
  return (
    tf.boolean_mask(numbers, is_own & sent),
    tf.boolean_mask(numbers, ~is_own & seen),
  )


def _context(
  plan: Plan,
  server_state: Struct,
  own_rows: tf.Tensor,
  benign_rows: tf.Tensor,
) -> AttackContext:
  round_number = server_state['round'] + 1
  return AttackContext(
    weights=server_state['weights'],
    previous_update=_turned(plan, server_state['previous_update']),
    round_number=round_number,
    seed=seed_folding.fold(
      tf.constant(seeds.stream(plan.seed, 'adversary')), round_number
    ),
    state=state.own_state(server_state, 'attack', plan.attack.state),
    num_clients=tf.size(own_rows) + tf.size(benign_rows),
    num_byzantine=tf.size(own_rows),
    layout=plan.model.layout,
    model=plan.model,
  )


def _benign(
  plan: Plan, updates: tf.Tensor, benign_rows: tf.Tensor
) -> tf.Tensor:
  """Returns what the attack sees of the benign rows: all, or none."""
  if plan.attack.knowledge != 'full':
    return tf.zeros([0, plan.dimension])
  return _turned(plan, tf.gather(updates, benign_rows))


def _replaced(
  plan: Plan,
  updates: tf.Tensor,
  own_rows: tf.Tensor,
  benign: tf.Tensor,
  context: AttackContext,
) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns the stack with the crafted rows in it, and these alone.

  The attack is given no row that its knowledge does not cover.
  """
  craft = plan.attack.attack.craft
  own = _turned(plan, tf.gather(updates, own_rows))
  crafted = (
    tf.map_fn(lambda row: craft(row[tf.newaxis], benign, context)[0], own)
    if plan.attack.knowledge == 'none'
    else craft(own, benign, context)
  )
  crafted = _turned(plan, tf.ensure_shape(crafted, own.shape))
  places = own_rows[:, tf.newaxis]
  return tf.tensor_scatter_nd_update(updates, places, crafted), crafted


def _turned(plan: Plan, rows: tf.Tensor) -> tf.Tensor:
  """Turns updates into what `craft` works on, and back."""
  return -rows if plan.attack.crafts_on_gradients else rows
