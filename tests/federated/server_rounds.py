"""The server's part of a round, on rows that are given."""

import numpy as np
import tensorflow as tf

from flsec.aggregators.rule import Rule
from flsec.federated import server_step, state

NUM_CLIENTS = 4


def stack_of(plan, rows, **changes):
  rows = np.asarray(rows, np.float32)
  updates = np.zeros([len(rows), plan.dimension], np.float32)
  updates[:, : rows.shape[1]] = rows
  count = len(rows)
  return {
    'client_id': tf.range(count),
    'rank': tf.constant([-1] * count),
    'weight': tf.ones([count]),
    'loss': tf.range(count, dtype=tf.float32),
    'norm': tf.norm(updates, axis=1),
    'is_finite': tf.reduce_all(tf.math.is_finite(updates), axis=1),
    'updates': tf.constant(updates),
    **changes,
  }


def step(plan, stack, server_state=None):
  run = tf.function(server_step.build_server_step(plan), autograph=False)
  server_state = server_state or state.initial_state(plan)
  return tf.nest.map_structure(np.asarray, run(server_state, stack))


def summing_rule(seen=None):
  """Adds up all rows, and takes notes of what it is given."""

  def next_state(rule_state, updates, weights, context):
    if seen is not None:
      seen.update(vars(context))
    total = tf.reduce_sum(updates, axis=0)
    return (
      rule_state + 1,
      total,
      {
        'selected': tf.ones([tf.shape(updates)[0]]),
        'largest': tf.reduce_max(updates),
      },
    )

  return Rule('summing', next_state, initialize=lambda d: tf.constant(0))
