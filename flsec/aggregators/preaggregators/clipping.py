"""Clipping: no update is longer than a fixed radius."""

import tensorflow as tf

from flsec import registry
from flsec.aggregators.centered_clipping import clip_factors
from flsec.aggregators.preaggregator import PreAggregator
from flsec.aggregators.rule import ServerContext
from flsec.numerics import gram


@registry.preaggregator('clipping', paper='Sun et al., arXiv 2019')
def clipping(*, radius: float) -> PreAggregator:
  """Scales each update down to a largest L2 norm, `x_i min(1, r / ||x_i||)`.

  Args:
    radius: r, above 0.

  Raises:
    ValueError: radius is not above 0.

  References:
    Sun et al. Can you really backdoor federated learning? arXiv:1911.07963,
    2019, Section 4.
  """
  if not radius > 0:
    raise ValueError(f'clipping: radius must be above 0; got {radius}.')

  def transform(
    updates: tf.Tensor, weights: tf.Tensor, context: ServerContext
  ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    del context
    factors = clip_factors(gram.squared_norms(updates), radius)
    return scale_rows(updates, weights, factors)

  return PreAggregator(f'clipping({radius=})', transform)


def scale_rows(
  updates: tf.Tensor, weights: tf.Tensor, factors: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
  """Returns the rows times `factors` float64 [n], as a `transform` does."""
  factors = tf.cast(factors, tf.float32)
  return updates * factors[:, None], weights, tf.linalg.diag(factors)
