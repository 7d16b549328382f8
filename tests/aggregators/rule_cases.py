"""Which rules the shared tests build, with which options, on which rows."""

import functools

import numpy as np
import tensorflow as tf

from flsec import aggregators, registry
from flsec.aggregators import rule as rules

# With f = 3, the least n of Bulyan.
NUM_CLIENTS = 15
NUM_BYZANTINE = 3
DIMENSION = 48
# What a required option is given, whatever the rule.
BY_OPTION = {
  'num_byzantine': NUM_BYZANTINE,
  'rule': {'name': 'multi_krum', 'num_byzantine': NUM_BYZANTINE},
}
# What a rule is given beside these.
BY_RULE = {
  'trimmed_mean': {'num_byzantine': NUM_BYZANTINE},
  'gas': {'num_groups': 4},
  'amplified': {'rule': {'name': 'krum', 'num_byzantine': NUM_BYZANTINE}},
  'error_rate_rejection': {'num_rejected': NUM_BYZANTINE},
  'loss_rejection': {'num_rejected': NUM_BYZANTINE},
  'union_rejection': {'num_rejected': NUM_BYZANTINE},
}


def options(name):
  """Returns options for a registered rule, or None where it is unknown."""
  chosen = dict(BY_RULE.get(name, {}))
  for option in registry.entry('aggregator', name).options:
    if option.is_required and option.name not in chosen:
      if option.name not in BY_OPTION:
        return None
      chosen[option.name] = BY_OPTION[option.name]
  return chosen


@functools.cache
def build(name, **more):
  """Builds a rule once: its graphs are kept from test to test."""
  return aggregators.build(name, **options(name), **more)


def _runs_alone(name):
  chosen = options(name)
  if chosen is None:
    return False
  rule = aggregators.build(name, screened=False, **chosen)
  return rule.needs <= {'seed'}


# Rules that read the server's data or layout have tests of their own.
NAMES = [n for n in registry.entries('aggregator') if _runs_alone(n)]


def stack(seed=0, clients=NUM_CLIENTS, dimension=DIMENSION):
  """Returns float32 rows that share a direction, as benign updates do."""
  rng = np.random.default_rng(seed)
  common = rng.standard_normal(dimension)
  return (common + 0.5 * rng.standard_normal((clients, dimension))).astype(
    np.float32
  )


def attacked(size, seed=0):
  """Returns (rows, which are benign): the last f lie `size` away."""
  rows = stack(seed)
  is_benign = np.arange(NUM_CLIENTS) < NUM_CLIENTS - NUM_BYZANTINE
  signs = np.sign(rows[:1])
  rows[~is_benign] = -size * signs
  return rows, is_benign


def apply(rule, rows, weights=None):
  """Returns (update, measurements) as NumPy, from the first state."""
  rows = tf.constant(rows, tf.float32)
  weights = tf.ones([rows.shape[0]]) if weights is None else weights
  context = rules.ServerContext(seed=tf.constant([0, 0]))

  @tf.function(autograph=False)
  def run(rows, weights):
    state = rule.initialize(int(rows.shape[1]))
    return rule.next(state, rows, weights, context)[1:]

  update, measured = run(rows, tf.constant(weights, tf.float32))
  return update.numpy(), {k: v.numpy() for k, v in measured.items()}


def is_close(found, wanted, tolerance=1e-5):
  """Compares vectors by the norm of their difference."""
  found, wanted = np.asarray(found, np.float64), np.asarray(wanted, np.float64)
  return np.linalg.norm(found - wanted) <= tolerance * max(
    np.linalg.norm(wanted), 1e-30
  )
