"""Random masks: over the whole vector, or the same share of each tensor."""

import numpy as np
import tensorflow as tf

from flsec.attacks.updates.masks import weight_groups
from flsec.models import layout as layout_lib


def random(
  layout: layout_lib.Layout, keep_fraction: float, seed: tf.Tensor
) -> tf.Tensor:
  """Keeps floor(delta * d) entries drawn from all trained ones.

  Args:
    layout: of the weight vector.
    keep_fraction: delta.
    seed: int32 [2].

  Returns:
    bool [d].
  """
  candidates = weight_groups.positions(weight_groups.trained_spans(layout))
  count = weight_groups.kept(keep_fraction, len(candidates))
  return weight_groups.at(_draw(candidates, count, seed), layout.size)


def layerwise(
  layout: layout_lib.Layout,
  keep_fraction: float,
  seed: tf.Tensor,
  *,
  only_kernels: bool,
) -> tf.Tensor:
  """Keeps floor(delta * d_l) + 1 entries of each tensor l, drawn at random.

  Args:
    layout: of the weight vector.
    keep_fraction: delta.
    seed: int32 [2].
    only_kernels: whether biases and normalisation tensors are left out.

  Returns:
    bool [d].
  """
  spans = (
    weight_groups.kernel_spans(layout)
    if only_kernels
    else weight_groups.trained_spans(layout)
  )
  drawn = []
  for index, span in enumerate(spans):
    count = min(weight_groups.kept(keep_fraction, span.size) + 1, span.size)
    tensor_seed = tf.random.fold_in(seed, index)
    drawn.append(_draw(weight_groups.positions((span,)), count, tensor_seed))
  return weight_groups.at(tf.concat(drawn, axis=0), layout.size)


def _draw(candidates: np.ndarray, count: int, seed: tf.Tensor) -> tf.Tensor:
  """Returns `count` of the candidates, without replacement."""
  priority = tf.random.stateless_uniform([len(candidates)], seed, alg='philox')
  return tf.gather(candidates, tf.math.top_k(priority, count).indices)
