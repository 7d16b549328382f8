"""Pruning as a stock TFF finalizer.

A finalizer turns the aggregated update into the next global weights. The one
built here lets another finalizer do that, then prunes: the weights that
`tff.learning.templates.compose_learning_process` broadcasts next are pruned.
"""

import collections
from collections.abc import Callable
from typing import Any

import tensorflow as tf
import tensorflow_federated as tff

from flsec.federated import seed_folding, tracing
from flsec.models.layout import Layout, Span
from flsec.pruning.pruner import Pruner, PruningContext, Record
from flsec.pruning.schedule import initial_mask, prune_if_due
from flsec.pruning.vector import read

# Keras' names of the weights that no optimiser trains.
_NON_TRAINABLE = ('moving_mean', 'moving_variance')


def build_pruning_finalizer(
  pruner: Pruner,
  layout: Layout,
  finalizer: tff.learning.templates.FinalizerProcess,
  *,
  input_range: tuple[float, float] = (0.0, 1.0),
  seed: tuple[int, int] = (0, 0),
) -> tff.learning.templates.FinalizerProcess:
  """Prunes the weights that another finalizer makes, on schedule.

  Args:
    pruner: what prunes, and when.
    layout: of the Keras model that the learning process trains (for instance
      `FlatModel(keras_model).layout`).
    finalizer: makes the weights, as `tff.learning.templates.
      build_apply_optimizer_finalizer` does; over `tff.learning.models.
      ModelWeights`.
    input_range: legitimate (low, high) of the model's inputs.
    seed: int32 [2]; each round prunes with its own.

  Returns:
    A finalizer whose state is (the other's state, round number, mask bool [d])
    and whose measurements add `pruning`, the pruner's record, to the other's
    under `finalizer`.

  Raises:
    ValueError: if the finalizer's weights are not the layout's.
  """
  signature = finalizer.next.type_signature
  weights_type = signature.parameter[1].member
  update_type = signature.parameter[2].member
  _check_shapes(layout, weights_type)
  first_round = tff.tensorflow.computation(
    lambda: (tf.constant(1), initial_mask(layout))
  )
  prune_vector = _trace(pruner, layout, input_range, seed)

  @tff.tensorflow.computation(first_round.type_signature.result, weights_type)
  def prune(state: Any, weights: Any) -> Any:
    round_number, mask = state
    vector, mask, record = prune_vector(
      round_number, mask, _to_vector(layout, weights)
    )
    weights = _like(weights, layout, vector)
    return (round_number + 1, mask), weights, collections.OrderedDict(record)

  @tff.federated_computation()
  def initialize() -> Any:
    return tff.federated_zip(
      (finalizer.initialize(), tff.federated_eval(first_round, tff.SERVER))
    )

  @tff.federated_computation(
    initialize.type_signature.result,
    tff.FederatedType(weights_type, tff.SERVER),
    tff.FederatedType(update_type, tff.SERVER),
  )
  def next_round(state: Any, weights: Any, update: Any) -> Any:
    output = finalizer.next(state[0], weights, update)
    pruning_state, pruned, record = tff.federated_map(
      prune, (state[1], output.result)
    )
    measurements = collections.OrderedDict(
      finalizer=output.measurements, pruning=record
    )
    return tff.templates.MeasuredProcessOutput(
      tff.federated_zip((output.state, pruning_state)),
      pruned,
      tff.federated_zip(measurements),
    )

  return tff.learning.templates.FinalizerProcess(
    initialize, next_round, **_hyperparameters(initialize, finalizer)
  )


def _trace(
  pruner: Pruner,
  layout: Layout,
  input_range: tuple[float, float],
  seed: tuple[int, int],
) -> Callable[..., tuple[tf.Tensor, tf.Tensor, Record]]:
  """Traces pruning, if due, of (round number, mask, weights)."""

  def prune(
    round_number: tf.Tensor, mask: tf.Tensor, vector: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor, Record]:
    context = PruningContext(
      round_number=round_number,
      seed=seed_folding.fold(tf.constant(seed, tf.int32), round_number),
      input_range=input_range,
    )
    return prune_if_due(pruner, vector, layout, context, mask)

  return tracing.trace(
    prune,
    tf.TensorSpec([], tf.int32),
    tf.TensorSpec([layout.size], tf.bool),
    tf.TensorSpec([layout.size], tf.float32),
  )


def _hyperparameters(
  initialize: tff.Computation,
  finalizer: tff.learning.templates.FinalizerProcess,
) -> dict[str, tff.Computation]:
  """Hands hyper-parameters through to the other finalizer."""
  state_type = initialize.type_signature.result.member
  hparams_type = finalizer.get_hparams.type_signature.result

  @tff.tensorflow.computation(state_type)
  def get_hparams(state: Any) -> Any:
    return finalizer.get_hparams(state[0])

  @tff.tensorflow.computation(state_type, hparams_type)
  def set_hparams(state: Any, hparams: Any) -> Any:
    return finalizer.set_hparams(state[0], hparams), state[1]

  return {'get_hparams_fn': get_hparams, 'set_hparams_fn': set_hparams}


def _spans(layout: Layout) -> tuple[list[Span], list[Span]]:
  """Returns the spans of trainable and of other weights, in Keras order."""
  trainable: list[Span] = []
  other: list[Span] = []
  for layer in layout.layers:
    for name, span in layer.spans.items():
      (other if name in _NON_TRAINABLE else trainable).append(span)
  order = lambda span: span.start
  return sorted(trainable, key=order), sorted(other, key=order)


def _to_vector(
  layout: Layout, weights: tff.learning.models.ModelWeights
) -> tf.Tensor:
  spans = [span for group in _spans(layout) for span in group]
  tensors = [*weights.trainable, *weights.non_trainable]
  in_order = sorted(zip(spans, tensors), key=lambda pair: pair[0].start)
  return tf.concat([tf.reshape(tensor, [-1]) for _, tensor in in_order], axis=0)


def _like(
  weights: tff.learning.models.ModelWeights, layout: Layout, vector: tf.Tensor
) -> tff.learning.models.ModelWeights:
  trainable, other = (
    [read(vector, span) for span in spans] for spans in _spans(layout)
  )
  return tff.learning.models.ModelWeights(
    type(weights.trainable)(trainable), type(weights.non_trainable)(other)
  )


def _check_shapes(layout: Layout, weights_type: tff.Type) -> None:
  expected = [[tuple(span.shape) for span in spans] for spans in _spans(layout)]
  found = [[tuple(tensor.shape) for tensor in group] for group in weights_type]
  if expected != found:
    raise ValueError(
      f"The layout's weights have shapes {expected} (trainable, other); the "
      f"finalizer's have {found}. Build both from the same Keras model."
    )
