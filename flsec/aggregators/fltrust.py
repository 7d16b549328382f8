"""FLTrust: updates that point where the server's own update points."""

import dataclasses
from typing import Optional

import tensorflow as tf

from flsec import registry
from flsec.aggregators.rule import (
  Measurements,
  Next,
  Rule,
  ServerContext,
  State,
  View,
  stateless,
)
from flsec.aggregators.server_examples import server_examples
from flsec.numerics import columns, selection


@registry.aggregator('fltrust', paper='Cao et al., NDSS 2021')
def fltrust() -> Rule:
  """Mean of updates rescaled to the server's own, weighted by their cosine.

  The server trains from the global weights on its root examples, as
  `server.root_training` says; its update is g. With
  `t_i = max(0, cos(x_i, g))`, the result is

    sum_i t_i (||g|| / ||x_i||) x_i / sum_i t_i.

  A zero row has t_i = 0; where no client is trusted (or g = 0) the result is
  the zero update. `selected` is t_i / sum_j t_j. Unweighted. Needs root
  examples and the server's training in the context. The paper's server takes as
  many steps as a client; by default it takes one, on all root examples.

  Inside `amplified` the cosines are those of the amplified updates and root
  update, the norms those of the original ones.

  References:
    Cao, Fang, Liu, Gong. FLTrust: Byzantine-robust federated learning via trust
    bootstrapping. NDSS 2021, Equations 2 to 5 and Algorithm 2.
  """

  def scored_by(view: View) -> Next:
    def next_state(
      state: State,
      updates: tf.Tensor,
      weights: tf.Tensor,
      context: ServerContext,
    ) -> tuple[State, tf.Tensor, Measurements]:
      del weights
      return (state, *_aggregate(updates, context, view))

    return next_state

  rule = stateless(
    'fltrust',
    lambda updates, _, context: _aggregate(updates, context, None),
    needs=frozenset({'root'}),
  )
  return dataclasses.replace(rule, scored_by=scored_by)


def root_update(rule_name: str, context: ServerContext) -> tf.Tensor:
  """Returns float32 [d], the server's update from its root examples."""
  x, y = server_examples(rule_name, context, 'root')
  return context.train(context.weights, x, y, context.seed)


def cosines_to(
  rows: tf.Tensor, point: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
  """Returns the cosines float64 [n] of the rows to a point, and all norms.

  A zero vector has cosine 0. One pass, added up in float64: squares of 1e30 do
  not fit in float32.

  Args:
    rows: float32 [n, d].
    point: float32 [d].

  Returns:
    Cosines [n], norms of the rows [n], norm of the point [].
  """

  def products(block: tf.Tensor, point_block: tf.Tensor) -> tf.Tensor:
    block = tf.cast(block, tf.float64)
    point_block = tf.cast(point_block, tf.float64)
    inner = tf.linalg.matvec(block, point_block)
    squares = tf.reduce_sum(block * block, axis=1)
    return tf.stack([inner, squares])  # [2, n]

  zero = tf.zeros([2, columns.num_rows(rows)], tf.float64)
  sums = columns.ask(rows, columns.total(products, zero, point))
  inner, squares = tf.unstack(sums)
  norms = tf.sqrt(squares)
  point_norm = tf.norm(tf.cast(point, tf.float64))
  cosines = tf.math.divide_no_nan(inner, norms * point_norm)
  return tf.clip_by_value(cosines, -1.0, 1.0), norms, point_norm


def _aggregate(
  updates: tf.Tensor, context: ServerContext, view: Optional[View]
) -> tuple[tf.Tensor, Measurements]:
  root = tf.ensure_shape(root_update('fltrust', context), [updates.shape[1]])
  cosines, norms, root_norm = cosines_to(updates, root)
  if view is not None:
    cosines, _, _ = cosines_to(view(updates), view(root[None])[0])
  # A row may be zero while its amplified form is not known to be.
  trust = tf.where(norms > 0, tf.maximum(cosines, 0.0), 0.0)
  shares = tf.math.divide_no_nan(trust, tf.reduce_sum(trust))
  scaled = tf.math.divide_no_nan(shares * root_norm, norms)
  update = selection.weighted_sum(scaled, updates)
  return update, {
    'selected': tf.cast(shares, tf.float32),
    'trust': tf.cast(trust, tf.float32),
  }
