"""Batch normalisation's moving statistics, kept away from a rule."""

import dataclasses

import numpy as np
import tensorflow as tf

from flsec import registry
from flsec.aggregators.rule import Measurements, Rule, ServerContext, State


@registry.aggregator('mean_statistics', paper='McMahan et al., AISTATS 2017')
def mean_statistics(*, rule: Rule) -> Rule:
  """Averages batch normalisation's moving statistics, whatever the rule inside.

  Moving means and variances have the scale of activations, not of gradients,
  so that they may decide alone which clients a rule finds close to each other.
  Here the rule inside sees 0 in their place, and so does its root update; the
  result holds their plain mean over all rows. That mean is not robust: a
  single client can move it anywhere, and with it what the model does at
  inference. Group normalisation has no such entries.

  A model without moving statistics is aggregated by the rule alone.

  Args:
    rule: the rule inside.

  Returns:
    A rule with the measurements of the one inside.

  Raises:
    ValueError: outside a round, where the layout of the model is not known.
  """
  rule = rule.unscreened or rule

  def next_state(
    state: State,
    updates: tf.Tensor,
    weights: tf.Tensor,
    context: ServerContext,
  ) -> tuple[State, tf.Tensor, Measurements]:
    if context.layout is None:
      raise ValueError(
        'mean_statistics needs the `layout` of the model in the server '
        'context; got None. Call the rule inside a round, or fill in the '
        'context.'
      )
    spans = context.layout.statistics
    if not spans:
      return rule.next(state, updates, weights, context)
    places = np.concatenate([np.arange(s.start, s.stop) for s in spans])
    means = tf.reduce_mean(tf.gather(updates, places, axis=1), axis=0)
    is_kept = tf.tensor_scatter_nd_update(
      tf.ones(updates.shape[1:]), places[:, None], tf.zeros([places.size])
    )
    train = context.train
    if train is not None:
      context = dataclasses.replace(
        context, train=lambda *given: is_kept * train(*given)
      )
    state, update, measured = rule.next(
      state, updates * is_kept, weights, context
    )
    return (
      state,
      tf.tensor_scatter_nd_update(update, places[:, None], means),
      measured,
    )

  return Rule(
    f'mean_statistics({rule.name})',
    next_state,
    initialize=rule.initialize,
    minimum_clients=rule.minimum_clients,
    requirement=rule.requirement,
    needs=rule.needs | {'layout'},
    has_shares=rule.has_shares,
    leaves_out_rows=rule.leaves_out_rows,
  )
