"""Keeps rows that may not count, and too few clients, away from a rule."""

import dataclasses
from typing import Callable, Optional

import tensorflow as tf

from flsec.aggregators.rule import (
  Measurements,
  Rule,
  ServerContext,
  State,
  require_clients,
)
from flsec.numerics import columns, row_norms, selection

ON_TOO_FEW = ('error', 'mean', 'skip')
_Result = tuple[State, tf.Tensor, Measurements]


def screened(rule: Rule, on_too_few: str = 'error') -> Rule:
  """Wraps a rule so that it only ever sees rows that count, and enough of them.

  Dropped are rows with NaN or infinity, and those of weight 0: a client without
  examples has nothing to say. Where there are none the rule gets the stack as
  it is, with its static shape. State of a dropped client stays as it was.

  Args:
    rule: the rule to protect.
    on_too_few: what happens where fewer than `rule.minimum_clients` rows are
      left: 'error' stops the run, 'mean' takes the mean of what is left, 'skip'
      returns the zero update. State is kept as it was.

  Returns:
    A rule with two more measurements, int32: `num_dropped`, the rows that are
    not finite, and `too_few_clients`, 1 where the policy stepped in.
    Measurements of rank 1 must be per client; they are laid out over all n
    rows, 0 for dropped ones.

  Raises:
    ValueError: unknown policy.
  """
  if on_too_few not in ON_TOO_FEW:
    raise ValueError(
      f'on_too_few must be one of {", ".join(ON_TOO_FEW)}; got {on_too_few!r}.'
    )
  if rule.unscreened is not None:
    rule = rule.unscreened

  def next_state(
    state: State,
    updates: tf.Tensor,
    weights: tf.Tensor,
    context: ServerContext,
  ) -> _Result:
    rows = columns.num_rows(updates)
    finite = context.is_finite
    if finite is None:
      finite = row_norms.finite_rows(updates)
    counts = tf.logical_and(finite, weights > 0)
    kept = tf.where(counts)[:, 0]
    most = updates.shape[0]

    def apply(
      updates: tf.Tensor, weights: tf.Tensor, context: ServerContext
    ) -> _Result:
      return _apply(rule, on_too_few, state, updates, most, weights, context)

    def drop() -> _Result:
      new_state, update, measured = apply(
        tf.ensure_shape(tf.gather(updates, kept), [None, updates.shape[1]]),
        tf.gather(weights, kept),
        context.of_rows(kept, rows),
      )
      return new_state, update, _over_all_rows(measured, kept, rows)

    if isinstance(rows, int) and on_too_few == 'error':
      require_clients(
        updates, rule.name, rule.minimum_clients, rule.requirement
      )
    new_state, update, measured = tf.cond(
      tf.reduce_all(counts), lambda: apply(updates, weights, context), drop
    )
    update = tf.ensure_shape(update, [updates.shape[1]])
    measured['num_dropped'] = rows - tf.reduce_sum(tf.cast(finite, tf.int32))
    measured['selected'] = tf.ensure_shape(
      measured['selected'], [updates.shape[0]]
    )
    return new_state, update, measured

  return dataclasses.replace(
    rule, next=next_state, unscreened=rule, on_too_few=on_too_few
  )


def counting(rule: Rule) -> Rule:
  """Wraps a rule so that rows that may not count are counted, and left in.

  For a round of static shapes, which is not to be used where it has such rows.

  Args:
    rule: to be given all rows.

  Returns:
    A rule with the measurements of `screened`: `num_dropped`, here the rows
    that it would have dropped, and `too_few_clients`, 0.
  """
  rule = rule.unscreened or rule

  def next_state(
    state: State,
    updates: tf.Tensor,
    weights: tf.Tensor,
    context: ServerContext,
  ) -> _Result:
    counts = tf.logical_and(context.is_finite, weights > 0)
    state, update, measured = rule.next(state, updates, weights, context)
    return (
      state,
      update,
      {
        **measured,
        'num_dropped': tf.reduce_sum(tf.cast(~counts, tf.int32)),
        'too_few_clients': tf.constant(0),
      },
    )

  return dataclasses.replace(rule, next=next_state, unscreened=rule)


def _apply(
  rule: Rule,
  on_too_few: str,
  state: State,
  updates: tf.Tensor,
  most: Optional[int],
  weights: tf.Tensor,
  context: ServerContext,
) -> _Result:
  shapes: dict[str, tuple[tf.DType, int]] = {}

  def run() -> _Result:
    new_state, update, measured = rule.next(state, updates, weights, context)
    shapes.update({k: (v.dtype, v.shape.rank) for k, v in measured.items()})
    return new_state, update, {**measured, 'too_few_clients': tf.constant(0)}

  def fall_back() -> _Result:
    measured = _no_measurements(shapes, columns.num_rows(updates))
    update, measured['selected'] = _fallback_update(on_too_few, updates)
    measured['too_few_clients'] = tf.constant(1)
    return state, update, measured

  return _enough(rule, on_too_few, updates, most, run, fall_back)


def _enough(
  rule: Rule,
  on_too_few: str,
  updates: tf.Tensor,
  most: Optional[int],
  run: Callable[[], _Result],
  fall_back: Callable[[], _Result],
) -> _Result:
  static = updates.shape[0]
  most = most if static is None else static
  if on_too_few != 'error' and most is not None and most < rule.minimum_clients:
    return fall_back()
  if static is not None:
    return run()
  if on_too_few == 'error':
    updates = require_clients(
      updates, rule.name, rule.minimum_clients, rule.requirement
    )
    with tf.control_dependencies([updates]):
      return run()
  # The true branch is traced first, and tells the other what it measures.
  return tf.cond(tf.shape(updates)[0] >= rule.minimum_clients, run, fall_back)


def _no_measurements(
  shapes: dict[str, tuple[tf.DType, int]], rows: columns.Count
) -> Measurements:
  return {
    key: tf.zeros([rows] if rank == 1 else [], dtype)
    for key, (dtype, rank) in shapes.items()
  }


def _over_all_rows(
  measured: Measurements, kept: tf.Tensor, rows: columns.Count
) -> Measurements:
  shape = tf.cast([rows], kept.dtype)
  return {
    key: tf.scatter_nd(kept[:, None], value, shape)
    if value.shape.rank == 1
    else value
    for key, value in measured.items()
  }


def _fallback_update(
  on_too_few: str, updates: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
  rows = columns.num_rows(updates)
  if on_too_few == 'skip':
    return tf.zeros([columns.num_columns(updates)]), tf.zeros([rows])
  shares = selection.equal_shares(tf.ones([rows]))
  return selection.weighted_sum(shares, updates), shares
