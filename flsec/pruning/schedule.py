"""One round's pruning: on schedule, with or without a lasting mask."""

import tensorflow as tf

from flsec.models.layout import Layout
from flsec.pruning.masks import apply_mask
from flsec.pruning.matching import NONE
from flsec.pruning.pruner import Pruner, PruningContext, Record


def initial_mask(layout: Layout) -> tf.Tensor:
  """Returns the mask of the first round, bool [d]: nothing is pruned."""
  return tf.zeros([layout.size], tf.bool)


def prune_if_due(
  pruner: Pruner,
  weights: tf.Tensor,
  layout: Layout,
  context: PruningContext,
  mask: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, Record]:
  """Prunes the weights if this round is one of the pruner's.

  A persistent pruner keeps what it has pruned: its mask is applied in every
  round, and grows. Otherwise the mask tells of this round alone, and clients
  may train pruned units back.

  Args:
    pruner: what prunes, and when.
    weights: float32 [d], after the server's step.
    layout: of the model.
    context: of this round; its `round_number` decides.
    mask: bool [d] that this function returned in the round before, or
      `initial_mask(layout)`.

  Returns:
    weights [d]; mask bool [d]; the record, with no units (-1) in a round that
    does not prune.
  """
  nothing = tf.zeros_like(mask)
  before = mask if pruner.persistent else nothing
  weights = apply_mask(weights, before)
  if tf.executing_eagerly():
    if not bool(pruner.is_due(context.round_number)):
      return weights, before, _no_record(pruner, layout, context)
    weights, pruned, record = pruner.prune(weights, layout, context)
  else:
    weights, pruned, record = tf.cond(
      pruner.is_due(context.round_number),
      lambda: pruner.prune(weights, layout, context),
      lambda: (weights, nothing, _no_record(pruner, layout, context)),
    )
  return weights, tf.logical_or(before, pruned), record


def _no_record(
  pruner: Pruner, layout: Layout, context: PruningContext
) -> Record:
  """Returns a record in which no unit was pruned."""

  def prune(weights: tf.Tensor) -> Record:
    inside = PruningContext(
      tf.constant(1), tf.constant([0, 0]), context.input_range
    )
    return pruner.prune(weights, layout, inside)[2]

  # Shapes come from tracing the pruner; nothing is computed.
  traced = tf.function(prune).get_concrete_function(
    tf.TensorSpec([layout.size], tf.float32)
  )
  return {
    key: tf.fill(value.shape, tf.constant(NONE, value.dtype))
    if value.dtype == tf.int32
    else tf.zeros(value.shape, value.dtype)
    for key, value in traced.structured_outputs.items()
  }
