"""How a kept unit takes over from the one that is removed."""

from collections.abc import Sequence

import tensorflow as tf

from flsec.models.layout import Layer, Layout
from flsec.pruning.masks import outgoing_span
from flsec.pruning.vector import read, spread

MERGES = ('sum', 'double')


def merge_change(
  weights: tf.Tensor,
  layout: Layout,
  pairs: Sequence[tuple[Layer, tf.Tensor, tf.Tensor]],
  merge: str,
) -> tf.Tensor:
  """Returns what merging adds to the weight vector, float32 [d].

  'sum' adds the removed unit's outgoing weights to its partner's,
  `A_a <- A_a + A_b`: the consumer then changes by `(h_a - h_b) A_b`, which is
  nothing for equal units. 'double' doubles the partner's, `A_a <- 2 A_a`, as
  the paper's text has it; the two agree where A_a = A_b. A removed unit that
  nobody listened to (A_b = 0) leaves nothing to take over: both add 0.

  Args:
    weights: float32 [d].
    layout: of the model.
    pairs: (layer, removed int32 [k], partners int32 [k]), -1 where none.
    merge: one of `MERGES`.
  """
  pieces = {}
  for layer, removed, partners in pairs:
    span = outgoing_span(layout, layer)
    outgoing = read(weights, span)
    lost = tf.gather(outgoing, tf.maximum(removed, 0))
    is_heard = tf.reduce_any(tf.not_equal(lost, 0.0), axis=1)
    takes_over = tf.logical_and(removed >= 0, is_heard)
    rows = lost
    if merge == 'double':
      rows = tf.gather(outgoing, tf.maximum(partners, 0))
    rows = tf.where(takes_over[:, None], rows, tf.zeros_like(rows))
    place = tf.maximum(partners, 0)[:, None]
    pieces[span] = tf.scatter_nd(place, rows, outgoing.shape)
  return spread(layout, pieces, weights.dtype)
