"""Applies a rule to some of the rows, how many being known in the round."""

from collections.abc import Sequence
from typing import Optional

import tensorflow as tf

from flsec.aggregators.rule import Measurements, Rule, ServerContext, State
from flsec.numerics import columns

_Result = tuple[State, tf.Tensor, tf.Tensor]


def apply_to_kept(
  rule: Rule,
  state: State,
  updates: tf.Tensor,
  weights: tf.Tensor,
  context: ServerContext,
  order: tf.Tensor,
  num_kept: tf.Tensor,
  possible: Optional[Sequence[int]],
) -> tuple[State, tf.Tensor, Measurements]:
  """Applies a rule to the first `num_kept` of the rows in an order.

  A weighted mean gives the others the weight 0. Any other rule is given a
  smaller stack, its rows in ascending order of the clients.

  Args:
    rule: any rule.
    state: of the rule.
    updates: float32 [n, d].
    weights: float32 [n].
    context: of the round.
    order: int32 [n], the rows to keep first.
    num_kept: int32 scalar.
    possible: every value that `num_kept` can take; None where n is not known
      statically. One branch is built for each, as XLA needs static shapes.

  Returns:
    State, update, and `selected` over all n rows.
  """
  rows = columns.num_rows(updates)

  def apply(count: columns.Count) -> _Result:
    kept = tf.sort(order[:count])
    new_state, update, measured = rule.next(
      state,
      tf.gather(updates, kept),
      tf.gather(weights, kept),
      context.of_rows(kept, rows),
    )
    selected = tf.scatter_nd(kept[:, None], measured['selected'], [rows])
    return new_state, update, selected

  if rule.is_weighted_mean:
    mask = tf.cast(tf.argsort(order) < num_kept, tf.float32)
    state, update, measured = rule.next(state, updates, weights * mask, context)
    selected = measured['selected']
  elif possible is None:
    state, update, selected = apply(num_kept)
  elif len(possible) == 1:
    state, update, selected = apply(possible[0])
  else:
    branches = [lambda count=count: apply(count) for count in possible]
    state, update, selected = tf.switch_case(num_kept - possible[0], branches)
  return state, update, {'selected': selected}
