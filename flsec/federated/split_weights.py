"""Weight tensors that stay apart from one training step to the next.

A step on one vector copies it twice: into the layers' tensors, and their
gradients into one. Where the tensors are large that is a tenth of a step; where
they are small, an operation for each takes longer than the copies.
"""

from typing import Any, Optional

import tensorflow as tf

from flsec.federated.optimizers import Optimizer, Slots
from flsec.models.layout import Layout

# Entries of a tensor, on average, from which on it pays.
LEAST_ENTRIES = 2**16
Sizes = Optional[tuple[int, ...]]  # Of the tensors, in their order.
Parts = tuple[tf.Tensor, ...]


def sizes_of(layout: Layout) -> Sizes:
  """Returns the sizes of a model's weight tensors; None: it does not pay.

  Nor does it where the vector holds statistics, which are put into the whole.
  """
  spans = [span for layer in layout.layers for span in layer.spans.values()]
  if layout.statistics or layout.size < LEAST_ENTRIES * len(spans):
    return None
  spans.sort(key=lambda span: span.start)
  return tuple(span.size for span in spans)


def split(vectors: Any, sizes: Sizes) -> Any:
  """Splits each vector [d] of a nest into a tuple of parts; None: leaves it."""
  if sizes is None:
    return vectors
  return tf.nest.map_structure(
    lambda vector: tuple(tf.split(vector, sizes)), vectors
  )


def join(
  weights: Any, slots: tuple[Any, ...], sizes: Sizes
) -> tuple[tf.Tensor, Slots]:
  """Undoes `split` of a vector, and of a tuple of vectors."""
  if sizes is None:
    return weights, slots
  return tf.concat(weights, axis=0), tuple(tf.concat(s, axis=0) for s in slots)


def by_parts(optimizer: Optimizer, sizes: Sizes) -> Optimizer:
  """Returns the optimiser on parts: it does to each entry what it did."""
  if sizes is None:
    return optimizer

  def step(
    weights: Parts,
    slots: tuple[Parts, ...],
    gradient: tuple[Optional[tf.Tensor], ...],
    rate: tf.Tensor,
    count: tf.Tensor,
  ) -> tuple[Parts, tuple[Parts, ...]]:
    stepped = [
      optimizer.step(
        part,
        tuple(slot[i] for slot in slots),
        tf.zeros_like(part) if gradient[i] is None else gradient[i],
        rate,
        count,
      )
      for i, part in enumerate(weights)
    ]
    parts, kept = zip(*stepped)
    return parts, tuple(zip(*kept))

  return Optimizer(optimizer.num_slots, step)
