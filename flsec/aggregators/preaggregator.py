"""What a pre-aggregator is, and how it composes with any rule.

A pre-aggregator replaces the stack of updates by another one, in which
malicious rows can do less harm, before a rule sees it.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, Callable

import tensorflow as tf

from flsec.aggregators import given_rows
from flsec.aggregators.rule import (
  Measurements,
  Rule,
  ServerContext,
  State,
  require_clients,
)

# (updates float32 [n, d], weights float32 [n], context)
#   -> (updates [m, d], weights [m], mixing float32 [m, n]).
Transform = Callable[
  [tf.Tensor, tf.Tensor, ServerContext],
  tuple[tf.Tensor, tf.Tensor, tf.Tensor],
]


@dataclasses.dataclass(frozen=True)
class PreAggregator:
  """A map from a stack of updates to another, linear in its rows.

  Attributes:
    name: the registered name, with its options.
    transform: `(updates, weights, context) -> (new updates, new weights,
      mixing)` with `new updates = mixing @ updates`, so that shares of the new
      rows turn into shares of the n clients.
    clients_for_rows: `m -> n`, the fewest clients that give m new rows and that
      the pre-aggregator itself is defined for.
    requirement: where that number comes from, for messages.
    needs: what it reads of the context, as in `Rule`.
  """

  name: str
  transform: Transform
  clients_for_rows: Callable[[int], int] = lambda rows: rows
  requirement: str = ''
  needs: frozenset[str] = frozenset()

  def __call__(self, updates: Any, seed: Sequence[int] = (0, 0)) -> tf.Tensor:
    """Applies the pre-aggregator once, to [n, d] -> [m, d].

    Raises:
      ValueError: as a rule's: see `given_rows`.
    """
    updates = given_rows.stack_of(self.name, updates)
    updates = require_clients(
      updates, self.name, self.clients_for_rows(1), self.requirement
    )
    context = ServerContext(seed=tf.constant(seed, tf.int32))
    return self.transform(updates, tf.ones(tf.shape(updates)[0]), context)[0]


def compose(preaggregators: Sequence[PreAggregator], rule: Rule) -> Rule:
  """Puts pre-aggregators before a rule; the first of the list comes first.

  Measurements of the rule that are per row (rank 1) other than `selected` are
  left out: rows are no longer clients.

  Args:
    preaggregators: any number; with none the rule is returned as it is.
    rule: any rule. A screened one is unwrapped: screen the composed rule.

  Returns:
    A rule whose `selected` is `rule's selected [m] @ mixing [m, n]`, and whose
    `minimum_clients` accounts for bucketing.
  """
  if not preaggregators:
    return rule
  rule = rule.unscreened or rule
  stages = tuple(preaggregators)

  def next_state(
    state: State,
    updates: tf.Tensor,
    weights: tf.Tensor,
    context: ServerContext,
  ) -> tuple[State, tf.Tensor, Measurements]:
    updates = require_clients(updates, name, minimum, requirement)
    rows, weights, mixing = _run(stages, updates, weights, context)
    # The new rows are no client's.
    context = dataclasses.replace(context, client_ids=None, is_finite=None)
    state, update, measured = rule.next(state, rows, weights, context)
    selected = tf.linalg.matvec(mixing, measured['selected'], transpose_a=True)
    measured = {k: v for k, v in measured.items() if v.shape.rank == 0}
    return state, update, {**measured, 'selected': selected}

  name = ' > '.join([*(stage.name for stage in stages), rule.name])
  minimum, requirement = _minimum(stages, rule)
  needs = rule.needs.union(*(stage.needs for stage in stages))
  return Rule(
    name,
    next_state,
    initialize=rule.initialize,
    minimum_clients=minimum,
    requirement=requirement,
    needs=needs,
    selects_rows=rule.selects_rows,
    has_shares=rule.has_shares,
    leaves_out_rows=rule.leaves_out_rows,
  )


def _run(
  stages: tuple[PreAggregator, ...],
  updates: tf.Tensor,
  weights: tf.Tensor,
  context: ServerContext,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
  mixing = None
  for index, stage in enumerate(stages):
    # Two buckets in a row must not draw the same permutation.
    seed = context.seed
    if seed is not None:
      seed = tf.random.experimental.stateless_fold_in(seed, index)
    updates, weights, mixed = stage.transform(
      updates, weights, dataclasses.replace(context, seed=seed)
    )
    mixing = mixed if mixing is None else tf.matmul(mixed, mixing)
  return updates, weights, mixing


def _minimum(stages: tuple[PreAggregator, ...], rule: Rule) -> tuple[int, str]:
  minimum, reasons = rule.minimum_clients, [rule.requirement]
  for stage in reversed(stages):
    needed = stage.clients_for_rows(minimum)
    if needed != minimum:
      reasons.append(stage.requirement)
    minimum = needed
  return minimum, '; '.join(reason for reason in reasons if reason)
