"""FedER on stacks of rows, with a server whose own update is given."""

import functools

import numpy as np
import server_cases
import tensorflow as tf

from flsec import aggregators
from flsec.numerics import columns, largest_entries

ROOT = (np.zeros((3, 1), np.float32), np.zeros(3, np.int32))
SEED = (3, 5)  # Of server_cases.context.


def rooted(update, **given):
  """A context in which the server's own update is `update`."""
  update = np.asarray(update, np.float32)
  given.setdefault('root', ROOT)
  return server_cases.context(
    np.zeros(len(update)),
    train=lambda weights, x, y, seed: tf.constant(update),
    **given,
  )


def run(rows, root, **options):
  """Applies the rule once; stacks of one shape share a trace."""
  options.setdefault('fraction', 0.5)
  rows, root = (tf.constant(one, tf.float32) for one in (rows, root))
  traced = _traced(tuple(options.items()), rows.shape, columns.BLOCK_SIZE)
  update, measured = traced(rows, root)
  return update.numpy(), {k: v.numpy() for k, v in measured.items()}


@functools.cache
def _traced(options, shape, block_size):
  del block_size  # Of the trace.
  rule = aggregators.build('feder', **dict(options))

  def apply(rows, root):
    given = server_cases.context(
      np.zeros(shape[1]), root=ROOT, train=lambda *_: root
    )
    state = rule.initialize(shape[1])
    return rule.next(state, rows, tf.ones(shape[0]), given)[1:]

  return tf.function(apply, autograph=False)


def order_of(dimension):
  return largest_entries.tie_order(dimension, tf.constant(SEED)).numpy()


def hard_stack(dimension, seed=0):
  """Rows with ties, with nothing left by the mask, zero and alike; a root."""
  rng = np.random.default_rng(seed)
  x = rng.standard_normal((13, dimension)).astype(np.float32)
  root = x[0] + x[1] + rng.standard_normal(dimension).astype(np.float32)
  x *= rng.uniform(0.1, 10, (13, 1)).astype(np.float32)
  x[3] = np.sign(x[3]) * 0.25
  x[4] = x[2]
  x[5] = 0
  x[6] = np.where(np.abs(root) > np.median(np.abs(root)), 0, x[6])
  x[7] = -root
  return x, root
