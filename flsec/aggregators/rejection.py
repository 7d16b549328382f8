"""Rejects the clients that harm the model on the server's own examples."""

import dataclasses
from typing import Optional

import tensorflow as tf

from flsec.aggregators.kept_rows import apply_to_kept
from flsec.aggregators.leave_one_out import losses_of_clients
from flsec.aggregators.rule import (
  Measurements,
  Next,
  Rule,
  ServerContext,
  State,
  View,
  require_clients,
)
from flsec.aggregators.server_examples import server_examples
from flsec.aggregators.ties import tie_order
from flsec.numerics import columns


@dataclasses.dataclass(frozen=True)
class _Rejection:
  """What the three rejection rules differ in."""

  name: str
  criteria: tuple[str, ...]  # 'error', 'loss' or both.
  rule: Rule
  count: int
  single_update: bool


def rejection_rule(
  name: str,
  criteria: tuple[str, ...],
  rule: Rule,
  num_rejected: Optional[int],
  num_byzantine: Optional[int],
  single_update: bool,
) -> Rule:
  """Builds a rule that rejects clients before another rule.

  Args:
    name: of the new rule.
    criteria: 'error', 'loss' or both; a client that either rejects is out.
    rule: what aggregates the others, and, unless `single_update`, what the
      models to evaluate are aggregated by.
    num_rejected, num_byzantine: c; exactly one of them.
    single_update: whether clients are judged by their own update alone.

  Raises:
    ValueError: an option is out of its range.
  """
  rule = rule.unscreened or rule
  count = _count(name, num_rejected, num_byzantine)
  options = _Rejection(name, criteria, rule, count, single_update)
  minimum = rule.minimum_clients + max(count, 0 if single_update else 1)
  requirement = (
    f'{rule.minimum_clients} for {rule.name}, after {count} rejected'
  )

  def scored_by(view: View) -> Next:
    def next_state(
      state: State,
      updates: tf.Tensor,
      weights: tf.Tensor,
      context: ServerContext,
    ) -> tuple[State, tf.Tensor, Measurements]:
      updates = require_clients(updates, name, minimum, requirement)
      return _next(options, view, state, updates, weights, context)

    return next_state

  return Rule(
    f'{name}({rule.name}, num_rejected={count}, {single_update=})',
    scored_by(lambda rows: rows),
    initialize=rule.initialize,
    minimum_clients=minimum,
    requirement=requirement,
    needs=rule.needs | {'validation', 'seed'},
    scored_by=scored_by,
    has_shares=rule.has_shares,
  )


def _next(
  options: _Rejection,
  view: View,
  state: State,
  updates: tf.Tensor,
  weights: tf.Tensor,
  context: ServerContext,
) -> tuple[State, tf.Tensor, Measurements]:
  examples = server_examples(options.name, context, 'validation')
  rule = None if options.single_update else options.rule
  errors, losses = losses_of_clients(
    rule, state, view(updates), weights, context, examples
  )
  # Impacts are differences from one common value, which orders nothing. Alone,
  # an update does harm where its own loss is high; left out, where the others'
  # loss is low.
  sign = 1.0 if options.single_update else -1.0
  harms = {'error': sign * errors, 'loss': sign * losses}
  # Error rates are whole numbers of examples, and tie often: were the lowest
  # clients always rejected, it would matter who is called client 0.
  tied = tie_order(options.name, columns.num_rows(errors), context)
  ranks = [_harm_rank(harms[name], tied) for name in options.criteria]
  order, num_kept = _keep(options, ranks, tied)
  rows = updates.shape[0]
  possible = None
  if rows is not None:
    fewest = rows - len(ranks) * options.count
    least = max(options.rule.minimum_clients, fewest)
    possible = range(least, rows - options.count + 1)
  return apply_to_kept(
    options.rule, state, updates, weights, context, order, num_kept, possible
  )


def _sorted(scores: tf.Tensor, tied: tf.Tensor) -> tf.Tensor:
  """Returns int32 [n], clients by ascending score, equal ones as in `tied`."""
  return tf.gather(tied, tf.argsort(tf.gather(scores, tied), stable=True))


def _harm_rank(harm: tf.Tensor, tied: tf.Tensor) -> tf.Tensor:
  """Returns int32 [n]: 0 for the most harmful."""
  return tf.argsort(_sorted(-harm, tied))


def _keep(
  options: _Rejection, ranks: list[tf.Tensor], tied: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns the clients, those to keep first, and how many to keep."""
  is_kept = tf.reduce_all(tf.stack(ranks) >= options.count, axis=0)
  least = options.rule.minimum_clients
  count = tf.maximum(tf.reduce_sum(tf.cast(is_kept, tf.int32)), least)
  rows = columns.num_rows(is_kept)
  harmless = tf.add_n(ranks) + tf.where(is_kept, len(ranks) * rows, 0)
  return _sorted(-harmless, tied), count


def _count(
  name: str, num_rejected: Optional[int], num_byzantine: Optional[int]
) -> int:
  given = [n for n in (num_rejected, num_byzantine) if n is not None]
  if len(given) != 1 or given[0] < 0:
    raise ValueError(
      f'{name} takes one of num_rejected and num_byzantine, 0 or more; got '
      f'num_rejected={num_rejected}, num_byzantine={num_byzantine}.'
    )
  return given[0]
