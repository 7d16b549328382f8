"""Clipping: no update is longer than a radius."""

from typing import Optional

import tensorflow as tf

from flsec import registry
from flsec.aggregators.centered_clipping import clip_factors
from flsec.aggregators.preaggregator import PreAggregator
from flsec.aggregators.rule import ServerContext
from flsec.numerics import columns, gram


@registry.preaggregator('clipping', paper='Sun et al., arXiv 2019')
def clipping(
  *, radius: Optional[float] = None, median_factor: Optional[float] = None
) -> PreAggregator:
  """Scales each update down to a largest L2 norm, `x_i min(1, r / ||x_i||)`.

  Args:
    radius: r, above 0; give it or median_factor.
    median_factor: c, above 0, where r is c times the median of this round's
      norms: the mean of the two middle ones of an even n, as in fl-analysis.

  Raises:
    ValueError: not exactly one of the two is given, or it is not above 0.

  References:
    Sun et al. Can you really backdoor federated learning? arXiv:1911.07963,
    2019, Section 4. Burkhalter et al. RoFL, IEEE S&P 2023 (median bound).
  """
  if (radius is None) == (median_factor is None):
    raise ValueError(
      'clipping takes exactly one of radius and median_factor; got '
      f'{radius=}, {median_factor=}.'
    )
  for option, value in (('radius', radius), ('median_factor', median_factor)):
    if value is not None and not value > 0:
      raise ValueError(f'clipping: {option} must be above 0; got {value}.')

  def transform(
    updates: tf.Tensor, weights: tf.Tensor, context: ServerContext
  ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    del context
    squares = gram.squared_norms(updates)
    bound = radius
    if bound is None:
      bound = median_factor * _median(tf.sqrt(squares))
    return scale_rows(updates, weights, clip_factors(squares, bound))

  option = f'{radius=}' if median_factor is None else f'{median_factor=}'
  return PreAggregator(f'clipping({option})', transform)


def _median(values: tf.Tensor) -> tf.Tensor:
  """Returns the median of [n]; the mean of the two middle ones of an even n."""
  ordered = tf.sort(values)
  count = columns.num_rows(values)
  middle = tf.gather(ordered, [(count - 1) // 2, count // 2])
  return tf.reduce_sum(middle) / 2


def scale_rows(
  updates: tf.Tensor, weights: tf.Tensor, factors: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
  """Returns the rows times `factors` float64 [n], as a `transform` does."""
  factors = tf.cast(factors, tf.float32)
  return updates * factors[:, None], weights, tf.linalg.diag(factors)
