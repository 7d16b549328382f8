"""The mean of updates whose norm is bounded."""

from typing import Optional

import tensorflow as tf

from flsec import registry
from flsec.aggregators.centered_clipping import clip_factors
from flsec.aggregators.rule import Measurements, Rule, ServerContext, stateless
from flsec.numerics import columns, gram, selection


@registry.aggregator('norm_clipped_mean', paper='Sun et al., arXiv 2019')
def norm_clipped_mean(*, radius: Optional[float] = None) -> Rule:
  """Mean of the updates, each scaled down to a largest L2 norm.

  `1/n sum_i x_i min(1, r / ||x_i||)`. Unweighted. `selected` is
  `1/n min(1, r / ||x_i||)`; what is missing to 1 was clipped away.

  Args:
    radius: r, above 0; default the median of this round's norms (the lower one
      of an even n, so that half of the clients may lie far away).

  Raises:
    ValueError: radius is not above 0.

  References:
    Sun et al. Can you really backdoor federated learning? arXiv:1911.07963,
    2019, Section 4.
  """
  if radius is not None and not radius > 0:
    raise ValueError(
      'norm_clipped_mean: radius must be above 0, or left out for the median '
      f'norm; got {radius}.'
    )

  def aggregate(
    updates: tf.Tensor, weights: tf.Tensor, context: ServerContext
  ) -> tuple[tf.Tensor, Measurements]:
    del weights, context
    rows = columns.num_rows(updates)
    squares = gram.squared_norms(updates)
    bound = radius
    if bound is None:
      bound = tf.sqrt(tf.sort(squares)[(rows - 1) // 2])
    shares = tf.cast(
      clip_factors(squares, bound) / tf.cast(rows, tf.float64), tf.float32
    )
    return selection.weighted_sum(shares, updates), {'selected': shares}

  return stateless(
    f'norm_clipped_mean({radius=})',
    aggregate,
    selects_rows=True,
    leaves_out_rows=False,
  )
