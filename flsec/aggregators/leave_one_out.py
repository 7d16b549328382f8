"""Error and loss on validation examples, with one client left out or alone."""

from typing import Callable, Optional

import tensorflow as tf

from flsec.aggregators.rule import Examples, Rule, ServerContext, State
from flsec.numerics import columns, selection


def losses_of_clients(
  rule: Optional[Rule],
  state: State,
  updates: tf.Tensor,
  weights: tf.Tensor,
  context: ServerContext,
  validation: Examples,
) -> tuple[tf.Tensor, tf.Tensor]:
  """Evaluates one model a client.

  Args:
    rule: aggregates all updates but the client's; None takes the client's own
      update alone instead.
    state: of the rule.
    updates: float32 [n, d].
    weights: float32 [n].
    context: of the round; its weights and its model are used.
    validation: x [s, ...] as stored, y int32 [s].

  Returns:
    The number of wrong answers and the mean cross-entropy (nats, infinite where
    it is not finite), both float32 [n].
  """
  if rule is None:
    update_of = lambda client: tf.gather(updates, client)
  elif rule.is_weighted_mean:
    update_of = _mean_without(updates, weights)
  else:
    update_of = _rule_without(rule, state, updates, weights, context)
  x, y = validation
  x = context.model.inputs(x)

  def evaluate(client: tf.Tensor) -> tf.Tensor:
    logits = context.model.logits(context.weights + update_of(client), x)
    return tf.stack(_error_and_loss(logits, y))

  results = tf.map_fn(
    evaluate,
    tf.range(columns.num_rows(updates)),
    fn_output_signature=tf.TensorSpec([2], tf.float32),
    parallel_iterations=1,
  )
  return results[:, 0], results[:, 1]


def _error_and_loss(
  logits: tf.Tensor, labels: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
  labels = tf.cast(labels, tf.int32)
  losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
  loss = tf.reduce_mean(losses)
  loss = tf.where(tf.math.is_finite(loss), loss, float('inf'))
  answers = tf.argmax(logits, axis=1, output_type=tf.int32)
  is_broken = ~tf.reduce_all(tf.math.is_finite(logits), axis=1)
  is_wrong = (answers != labels) | is_broken
  return tf.reduce_sum(tf.cast(is_wrong, tf.float32)), loss


def _mean_without(
  updates: tf.Tensor, weights: tf.Tensor
) -> Callable[[tf.Tensor], tf.Tensor]:
  # One weighted sum a client. Taking the row off the sum of all rows would be
  # cheaper, and wrong: after a row of 1e30 nothing is left of the others.
  rows = columns.num_rows(updates)
  others = weights * (1.0 - tf.eye(rows))
  shares = tf.math.divide_no_nan(
    others, tf.reduce_sum(others, axis=1, keepdims=True)
  )  # [n, n]
  return lambda client: selection.weighted_sum(
    tf.gather(shares, client), updates
  )


def _rule_without(
  rule: Rule,
  state: State,
  updates: tf.Tensor,
  weights: tf.Tensor,
  context: ServerContext,
) -> Callable[[tf.Tensor], tf.Tensor]:
  rows = columns.num_rows(updates)

  def update_of(client: tf.Tensor) -> tf.Tensor:
    index = tf.range(rows - 1)
    index += tf.cast(index >= client, tf.int32)
    return rule.next(
      state,
      tf.gather(updates, index),
      tf.gather(weights, index),
      context.of_rows(index, rows),
    )[1]

  return update_of
