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
  if tf.executing_eagerly() and bool(pruner.is_due(context.round_number)):
    weights, pruned, record = pruner.prune(weights, layout, context)
    return weights, tf.logical_or(before, pruned), record
  # Traced once: both for its result and for the shapes of its record.
  seed = tf.constant([0, 0]) if context.seed is None else context.seed
  traced = _traced(pruner, layout, context.input_range, seed.dtype)
  round_number = tf.cast(context.round_number, tf.int32)
  weights, pruned, record = tf.cond(
    pruner.is_due(context.round_number),
    lambda: traced(weights, round_number, seed),
    lambda: (weights, nothing, _no_record(traced.structured_outputs[2])),
  )
  return weights, tf.logical_or(before, pruned), record


def _traced(
  pruner: Pruner,
  layout: Layout,
  input_range: tuple[float, float],
  seed_dtype: tf.DType,
) -> tf.types.experimental.ConcreteFunction:
  def prune(
    weights: tf.Tensor, round_number: tf.Tensor, seed: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor, Record]:
    inside = PruningContext(round_number, seed, input_range)
    return pruner.prune(weights, layout, inside)

  return tf.function(prune, autograph=False).get_concrete_function(
    tf.TensorSpec([layout.size], tf.float32),
    tf.TensorSpec([], tf.int32),
    tf.TensorSpec([2], seed_dtype),
  )


def _no_record(shapes: dict[str, tf.TensorSpec]) -> Record:
  """Returns a record in which no unit was pruned."""
  return {
    key: tf.fill(value.shape, tf.constant(NONE, value.dtype))
    if value.dtype == tf.int32
    else tf.zeros(value.shape, value.dtype)
    for key, value in shapes.items()
  }
