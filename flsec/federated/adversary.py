"""The adversary at work on the stack of updates, within its knowledge."""

import numpy as np
import tensorflow as tf

from flsec import seeds
from flsec.attacks.attack import AttackContext
from flsec.federated import seed_folding, state
from flsec.federated.plan import Plan


def rewrite(
  plan: Plan,
  server_state: state.Struct,
  updates: tf.Tensor,
  ranks: tf.Tensor,
  weights: tf.Tensor,
) -> tf.Tensor:
  """Replaces the malicious rows by what the attack crafts from what it knows.

  An attack stated on gradients is given the negated rows and last update, and
  what it crafts is negated back. Clients without examples take no part: it
  neither sees nor sends rows of theirs.

  Args:
    plan: the round's plan; its knowledge decides what `craft` sees.
    server_state: the state before the round.
    updates: float32 [n, d], by client id.
    ranks: int32 [n], which of the malicious clients a row is from; else -1.
    weights: float32 [n], each client's number of examples.

  Returns:
    float32 [n, d]; benign rows as they were.
  """
  if plan.attack is None or plan.attack.attack.craft is None:
    return updates
  round_number = server_state['round'] + 1
  own_rows, benign_rows = _rows(plan, ranks, weights)
  context = AttackContext(
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

  def craft() -> tf.Tensor:
    own = _turned(plan, tf.gather(updates, own_rows))
    crafted = _turned(plan, _crafted(plan, own, updates, benign_rows, context))
    return tf.tensor_scatter_nd_update(
      updates, own_rows[:, tf.newaxis], crafted
    )

  active = tf.logical_and(
    plan.attack.is_active(round_number), tf.size(own_rows) > 0
  )
  return tf.cond(active, craft, lambda: updates)


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


def _rows(
  plan: Plan, ranks: tf.Tensor, weights: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns the malicious and the benign row numbers, int32."""
  malicious = plan.attack.malicious
  if plan.num_participants == len(malicious) and not plan.has_empty_clients:
    # Everyone takes part: the rows are known now, and every shape is static.
    return tuple(
      tf.constant(np.flatnonzero(chosen), tf.int32)
      for chosen in (malicious, ~malicious)
    )
  is_own, has_examples = ranks >= 0, weights > 0
  numbers = tf.range(tf.shape(ranks)[0])
  return (
    tf.boolean_mask(numbers, is_own & has_examples),
    tf.boolean_mask(numbers, ~is_own & has_examples),
  )
