"""The adversary at work on the stack of updates, within its knowledge."""

import numpy as np
import tensorflow as tf

from flsec import seeds
from flsec.attacks.attack import AttackContext
from flsec.federated import seed_folding, state
from flsec.federated.plan import Plan
from flsec.federated.state import Struct


def rewrite(
  plan: Plan, server_state: Struct, updates: tf.Tensor, rows: Struct
) -> tf.Tensor:
  """Replaces the malicious rows by what the attack crafts from what it knows.

  An attack stated on gradients is given the negated rows and last update, and
  what it crafts is negated back. It neither sees nor counts rows that will be
  dropped: one NaN would make NaN of all that it crafts.

  Args:
    plan: the round's plan; its knowledge decides what `craft` sees.
    server_state: the state before the round.
    updates: float32 [n, d], by client id.
    rows: of the same clients, rank int32 [n] (which of the malicious clients a
      row is from; else -1), weight float32 [n] (its number of examples) and
      is_finite bool [n].

  Returns:
    float32 [n, d]; benign rows as they were.
  """
  if plan.attack is None or plan.attack.attack.craft is None:
    return updates
  round_number = server_state['round'] + 1

  def craft(own_rows: tf.Tensor, benign_rows: tf.Tensor) -> tf.Tensor:
    context = _context(plan, server_state, own_rows, benign_rows)
    own = _turned(plan, tf.gather(updates, own_rows))
    crafted = _turned(plan, _crafted(plan, own, updates, benign_rows, context))
    return tf.tensor_scatter_nd_update(
      updates, own_rows[:, tf.newaxis], crafted
    )

  def craft_where_some() -> tf.Tensor:
    own_rows, benign_rows = _rows_that_count(plan, rows)
    return tf.cond(
      tf.size(own_rows) > 0,
      lambda: craft(own_rows, benign_rows),
      lambda: updates,
    )

  def craft_of_all() -> tf.Tensor:
    malicious = plan.attack.malicious
    if plan.num_participants != len(malicious):
      return craft_where_some()
    # Everyone takes part: the rows are known now, and every shape is static.
    all_rows = (
      tf.constant(np.flatnonzero(chosen), tf.int32)
      for chosen in (malicious, ~malicious)
    )
    if plan.static_rows:
      return craft(*all_rows)
    counts = tf.logical_and(rows['is_finite'], rows['weight'] > 0)
    return tf.cond(
      tf.reduce_all(counts), lambda: craft(*all_rows), craft_where_some
    )

  return tf.cond(
    plan.attack.is_active(round_number), craft_of_all, lambda: updates
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


def _crafted(plan, own, updates, benign_rows, context) -> tf.Tensor:
  """Calls the attack with no row that its knowledge does not cover."""
  craft = plan.attack.attack.craft
  nothing = tf.zeros([0, plan.dimension])
  if plan.attack.knowledge == 'full':
    benign = _turned(plan, tf.gather(updates, benign_rows))
    return craft(own, benign, context)
  if plan.attack.knowledge == 'partial':
    return craft(own, nothing, context)
  return tf.map_fn(lambda row: craft(row[tf.newaxis], nothing, context)[0], own)


def _turned(plan: Plan, rows: tf.Tensor) -> tf.Tensor:
  """Turns updates into what `craft` works on, and back."""
  return -rows if plan.attack.crafts_on_gradients else rows
