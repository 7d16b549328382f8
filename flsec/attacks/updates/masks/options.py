"""Which mask is made, with which options."""

import dataclasses
from typing import Any, Optional

import tensorflow as tf

from flsec.attacks import known_rows
from flsec.attacks.updates.masks import (
  erk,
  random_masks,
  saliency,
  weight_groups,
)
from flsec.models import layout as layout_lib

METHODS = ('random', 'layerwise', 'erk', 'force', 'snip', 'synflow')


@dataclasses.dataclass(frozen=True)
class MaskOptions:
  """Options of a mask; `hybrid_sparse` says what they mean.

  Raises:
    ValueError: if an option is outside its range.
  """

  method: str
  keep_fraction: float
  include_critical: bool = True
  output_fraction: Optional[float] = None
  num_iterations: int = 100
  batch_size: int = 32
  num_batches: int = 3

  def __post_init__(self) -> None:
    known_rows.require_choice('hybrid_sparse', 'mask', self.method, METHODS)
    for option in ('keep_fraction', 'output_fraction'):
      value = getattr(self, option)
      if value is not None and not 0 < value <= 1:
        raise ValueError(
          f'Attack hybrid_sparse needs 0 < {option} <= 1; got {value}.'
        )
    for option in ('num_iterations', 'batch_size', 'num_batches'):
      value = getattr(self, option)
      if value < 1:
        raise ValueError(
          f'Attack hybrid_sparse needs {option} >= 1; got {value}.'
        )


def make_mask(
  options: MaskOptions,
  model: Any,
  layout: layout_lib.Layout,
  weights: tf.Tensor,
  x: tf.Tensor,
  y: tf.Tensor,
  seed: tf.Tensor,
) -> tf.Tensor:
  """Makes a mask over the weight vector.

  Args:
    options: the method and its options.
    model: a `flsec.models.flat.FlatModel`; not read by random, layerwise, erk.
    layout: of the weight vector.
    weights: float32 [d], the initial weights.
    x: float32 [s, ...], the malicious clients' examples as model inputs.
    y: int32 [s].
    seed: int32 [2].

  Returns:
    bool [d].
  """
  if options.method == 'random':
    mask = random_masks.random(layout, options.keep_fraction, seed)
  elif options.method == 'layerwise':
    mask = random_masks.layerwise(
      layout,
      options.keep_fraction,
      seed,
      only_kernels=options.include_critical,
    )
  elif options.method == 'erk':
    mask = erk.erk(layout, options.keep_fraction, seed)
  else:
    mask = _by_saliency(options, model, layout, weights, x, y, seed)
  if options.include_critical:
    mask = weight_groups.with_critical(mask, layout)
  return mask


def _by_saliency(
  options: MaskOptions,
  model: Any,
  layout: layout_lib.Layout,
  weights: tf.Tensor,
  x: tf.Tensor,
  y: tf.Tensor,
  seed: tf.Tensor,
) -> tf.Tensor:
  is_single_step = options.method == 'snip'
  plan = saliency.PruningPlan(
    options.keep_fraction,
    1 if is_single_step else options.num_iterations,
    options.output_fraction,
  )
  if options.method == 'synflow':
    measure = saliency.synaptic_saliency(model, weights, x)
  else:
    measure = saliency.connection_saliency(
      model,
      weights,
      x,
      y,
      batch_size=options.batch_size,
      num_batches=options.num_batches,
    )
  # One graph: eagerly, each of hundreds of gradients would pay for its calls.
  pruned = tf.function(
    lambda: saliency.prune(measure, layout, plan, seed), autograph=False
  )
  return pruned()
