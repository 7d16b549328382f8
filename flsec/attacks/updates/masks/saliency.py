"""Masks by saliency: FORCE, SNIP and SynFlow, pruned step by step."""

import dataclasses
import math
from typing import Any, Callable, Optional

import numpy as np
import tensorflow as tf

from flsec.attacks.updates.masks import weight_groups
from flsec.models import layout as layout_lib
from flsec.numerics import selection

# (mask float32 [d], seed int32 [2]) -> saliency [d], >= 0.
Saliency = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


@dataclasses.dataclass(frozen=True)
class PruningPlan:
  """How many kernel entries are kept after each pruning step.

  Attributes:
    keep_fraction: delta, the share of all kernel entries kept at the end.
    num_iterations: T, the pruning steps.
    output_fraction: delta_FC^max, the largest share of the output layer's
      kernel kept at the end; None: no cap.
  """

  keep_fraction: float
  num_iterations: int
  output_fraction: Optional[float] = None


def schedule(size: int, kept: int, num_iterations: int) -> list[int]:
  """Returns kappa_1 .. kappa_T, falling exponentially from `size` to `kept`.

  `kappa_t = floor(exp((t / T) ln kappa + (1 - t / T) ln d))`. 1e-9 forgives the
  rounding of exp(ln kappa), which may end just below kappa.

  Args:
    size: d, entries before pruning.
    kept: kappa, entries after it, >= 1.
    num_iterations: T.

  References:
    de Jorge et al., "Progressive Skeletonization: Trimming more fat from a
    network at initialization", ICLR 2021, equation 7.
  """
  shares = [t / num_iterations for t in range(1, num_iterations + 1)]
  return [
    math.floor(
      math.exp(share * math.log(kept) + (1 - share) * math.log(size)) + 1e-9
    )
    for share in shares
  ]


def prune(
  saliency: Saliency,
  layout: layout_lib.Layout,
  plan: PruningPlan,
  seed: tf.Tensor,
) -> tf.Tensor:
  """Prunes the kernels in steps, keeping the most salient entries.

  At step t the kappa_t most salient of all kernel entries are kept (ties: the
  lowest entry), whatever the step before kept. With a cap, at most
  `ceil(min(1, delta_FC^max / delta * kappa_t / size) * size_FC)` of the output
  kernel's stay in the running, its most salient ones.

  Args:
    saliency: of the network under the mask of the step before; biases and
      normalisation tensors are 1 in that mask.
    layout: of the weight vector.
    plan: how many to keep.
    seed: int32 [2].

  Returns:
    bool [d], kernels only.

  References:
    Ozfatura et al., arXiv 2024 (hybrid Byzantines), Algorithm 4; de Jorge et
    al., ICLR 2021.
  """
  spans = weight_groups.kernel_spans(layout)
  entries = weight_groups.positions(spans)
  kept = max(weight_groups.kept(plan.keep_fraction, len(entries)), 1)
  counts = schedule(len(entries), kept, plan.num_iterations)
  output = layout[layout.output].kernel
  caps = _caps(counts, len(entries), output.size, plan)
  room = len(entries) - output.size
  counts = [min(count, cap + room) for count, cap in zip(counts, caps)]
  others = np.ones(layout.size, np.float32)
  others[entries] = 0.0

  def step(index, mask):
    scores = saliency(mask, tf.random.fold_in(seed, index))
    scores = _drop_beyond_cap(scores, output, tf.gather(caps, index))
    ranked = tf.gather(scores, entries)
    best = selection.are_largest(ranked, tf.gather(counts, index))
    mask = tf.scatter_nd(
      entries[:, None], tf.cast(best, tf.float32), [layout.size]
    )
    return index + 1, mask + others

  _, mask = tf.while_loop(
    lambda index, _: index < plan.num_iterations,
    step,
    (tf.constant(0), tf.ones([layout.size])),
    maximum_iterations=plan.num_iterations,
  )
  return mask - others > 0


def _caps(
  counts: list[int], size: int, output_size: int, plan: PruningPlan
) -> list[int]:
  """Returns the largest number of output-kernel entries after each step."""
  if plan.output_fraction is None:
    return [output_size] * len(counts)
  ratio = plan.output_fraction / plan.keep_fraction
  shares = [min(1.0, ratio * count / size) for count in counts]
  return [math.ceil(share * output_size - 1e-9) for share in shares]


def _drop_beyond_cap(
  scores: tf.Tensor, output: layout_lib.Span, cap: tf.Tensor
) -> tf.Tensor:
  """Returns the scores with -1 on the output entries beyond the cap.

  Taking the output kernel's `cap` best into one global choice keeps the same
  entries as choosing, counting and, where there are too many, choosing again.
  """
  own = scores[output.start : output.stop]
  best = selection.are_largest(own, cap)
  capped = tf.where(best, own, -tf.ones_like(own))
  return tf.concat(
    [scores[: output.start], capped, scores[output.stop :]], axis=0
  )


def connection_saliency(
  model: Any,
  weights: tf.Tensor,
  x: tf.Tensor,
  y: tf.Tensor,
  *,
  batch_size: int,
  num_batches: int,
) -> Saliency:
  """Returns FORCE's saliency; with the mask all ones it is SNIP's.

  `s = mean_i |theta * grad F(c * theta; batch_i)|`, theta the weights before
  any pruning, c the mask, so that an entry pruned may return. A batch stands
  for a malicious client's; it is drawn with replacement from the examples.

  Args:
    model: has `loss_and_gradient(weights, x, y, seed=) -> (loss, gradient
      [d])`, the seed int32 [2] for dropout.
    weights: float32 [d], theta.
    x, y: the malicious clients' examples, float32 [s, ...] and int32 [s].
    batch_size: examples in a batch.
    num_batches: batches whose saliencies are averaged.

  References:
    Ozfatura et al., arXiv 2024, equations 25-27 and Algorithm 4, line 8;
    Lee, Ajanthan and Torr, "SNIP", ICLR 2019.
  """

  def saliency(mask: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    drawn = tf.random.stateless_uniform(
      [num_batches, batch_size],
      seed,
      maxval=tf.shape(y)[0],
      dtype=tf.int32,
      alg='philox',
    )
    total = tf.zeros_like(weights)
    for batch in range(num_batches):
      chosen = drawn[batch]
      _, gradient = model.loss_and_gradient(
        mask * weights,
        tf.gather(x, chosen),
        tf.gather(y, chosen),
        seed=tf.random.fold_in(seed, batch),
      )
      total += tf.abs(weights * gradient)
    return total / num_batches

  return saliency


def synaptic_saliency(model: Any, weights: tf.Tensor, x: tf.Tensor) -> Saliency:
  """Returns SynFlow's saliency, which needs no data.

  `s = |theta| * c * dR/d(c * |theta|)`, R the sum of the logits of the network
  with weights `c * |theta|` on an all-ones input. Activations that saturate
  (tanh, sigmoid) flatten it; it is made for ReLU networks.

  Args:
    model: has `logits(weights, x)`.
    weights: float32 [d], theta.
    x: float32 [s, ...], read for the shape of an input only.

  References:
    Tanaka, Kunin, Yamins and Ganguli, "Pruning neural networks without any
    data by iteratively conserving synaptic flow", NeurIPS 2020, Algorithm 1.
  """
  ones = tf.ones([1, *x.shape[1:]])

  def saliency(mask: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    del seed
    magnitudes = mask * tf.abs(weights)
    with tf.GradientTape() as tape:
      tape.watch(magnitudes)
      flow = tf.reduce_sum(model.logits(magnitudes, ones))
    return magnitudes * tape.gradient(flow, magnitudes)

  return saliency
