"""Erdos-Renyi-Kernel masks: small layers denser than large ones."""

import numpy as np
import tensorflow as tf

from flsec.attacks.updates.masks import weight_groups
from flsec.models import layout as layout_lib


def densities(
  shapes: tuple[tuple[int, ...], ...], keep_fraction: float
) -> list[float]:
  """Returns each kernel's density under the ERK rule.

  `density_l = min(1, eps * sum(shape_l) / prod(shape_l))`, with eps such that
  `sum_l density_l d_l = delta * sum_l d_l`: kernels that eps would fill beyond
  1 are dense, and eps is solved again for the rest.

  Args:
    shapes: of the kernels, all axes (4 of a 2-D convolution).
    keep_fraction: delta, in (0, 1].

  Returns:
    One density a kernel, in (0, 1].

  References:
    Evci, Gale, Menick, Castro and Elsen, "Rigging the Lottery", ICML 2020,
    section 3.
  """
  sizes = np.array([np.prod(shape) for shape in shapes], np.float64)
  degrees = np.array([np.sum(shape) for shape in shapes], np.float64)
  is_dense = np.zeros(len(shapes), bool)
  budget = keep_fraction * sizes.sum()
  while not is_dense.all():
    epsilon = (budget - sizes[is_dense].sum()) / degrees[~is_dense].sum()
    overfull = ~is_dense & (epsilon * degrees > sizes)
    if not overfull.any():
      return np.where(is_dense, 1.0, epsilon * degrees / sizes).tolist()
    is_dense |= overfull
  return [1.0] * len(shapes)


def erk(
  layout: layout_lib.Layout, keep_fraction: float, seed: tf.Tensor
) -> tf.Tensor:
  """Keeps each kernel entry with its kernel's ERK density.

  The first convolution is kept whole and stays out of the budget, as biases
  and normalisation tensors do (which this mask leaves out).

  Args:
    layout: of the weight vector.
    keep_fraction: delta, of the budgeted kernels.
    seed: int32 [2].

  Returns:
    bool [d].
  """
  first = layout.of_kind('conv')[:1]
  whole = tuple(layer.kernel for layer in first)
  spans = tuple(
    span for span in weight_groups.kernel_spans(layout) if span not in whole
  )
  chance = np.zeros(layout.size, np.float32)
  chance[weight_groups.positions(whole)] = 1.0
  shares = densities(tuple(span.shape for span in spans), keep_fraction)
  for span, share in zip(spans, shares):
    chance[span.start : span.stop] = share
  draws = tf.random.stateless_uniform([layout.size], seed, alg='philox')
  return draws < chance
