"""The geometric median of the updates (RFA)."""

import tensorflow as tf

from flsec import registry
from flsec.aggregators.rule import Measurements, Rule, ServerContext, stateless
from flsec.numerics import (
  columns,
  gram,
  selection,
  spatial_median,
  weiszfeld,
)

STARTS = ('mean', 'zero')


@registry.aggregator('geometric_median', paper='Pillutla et al., IEEE TSP 2022')
def geometric_median(
  *,
  num_iterations: int = 1000,
  tolerance: float = 1e-6,
  smoothing: float = 0.0,
  start: str = 'mean',
  weighted: bool = False,
) -> Rule:
  """Point with the least sum of distances to the updates (RFA).

  By default it is that point, to a proved accuracy: no row, and no row that the
  start falls on, can hold it back (`flsec.numerics.spatial_median`). Where
  several points are best, as on a line, it is the mean of the best rows.

  With a `smoothing` or with `tolerance` 0 it is Weiszfeld's iteration, as
  libraries run it, from z = the mean, or 0:
  `b_i = a_i / max(nu, ||z - x_i||)`, `z <- sum_i b_i x_i / sum_i b_i`; where nu
  is 0 and z lies on a row, the step is that of Vardi and Zhang.

  z stays in the span of the updates: it is sought on the n coefficients, which
  are `selected`, with distances from the Gram matrix.

  Args:
    num_iterations: most iterations, 1 or more.
    tolerance: ends the iteration at a point whose sum of distances is at most
      this share above the least, by a bound that a few rows far away do not
      loosen; 0 runs all iterations.
    smoothing: nu, 0 or more, in the unit of the updates.
    start: 'mean' or 'zero'. FL-Byzantine-Library runs start='zero',
      num_iterations=3, tolerance=0, smoothing=0.1.
    weighted: a_i is the number of examples; otherwise 1.

  Raises:
    ValueError: an option is out of its range.

  References:
    Pillutla, Kakade, Harchaoui. Robust aggregation for federated learning. IEEE
    Transactions on Signal Processing 2022, Algorithm 2.
    Vardi, Zhang. The multivariate L1-median and associated data depth. PNAS
    2000.
  """
  _check_options(num_iterations, tolerance, smoothing, start)

  def aggregate(
    updates: tf.Tensor, weights: tf.Tensor, context: ServerContext
  ) -> tuple[tf.Tensor, Measurements]:
    del context
    if not weighted:
      weights = tf.ones([columns.num_rows(updates)])
    alphas = selection.equal_shares(tf.cast(weights, tf.float64))
    products = gram.gram(updates)
    point, steps = alphas, num_iterations
    if start == 'zero':
      point = weiszfeld.from_zero(products, alphas, smoothing)
      steps -= 1
    if tolerance and not smoothing:
      point = spatial_median.shares(
        products.centred, alphas, point, steps, tolerance
      )
    else:
      point = weiszfeld.iterate(
        products.centred, alphas, point, steps, tolerance, smoothing
      )
    shares = tf.cast(point, tf.float32)
    return selection.weighted_sum(shares, updates), {'selected': shares}

  return stateless(
    f'geometric_median({num_iterations=}, {smoothing=}, {start=})',
    aggregate,
    selects_rows=True,
    leaves_out_rows=False,
  )


def _check_options(
  num_iterations: int, tolerance: float, smoothing: float, start: str
) -> None:
  if num_iterations < 1:
    raise ValueError(
      f'geometric_median: num_iterations must be 1 or more; got '
      f'{num_iterations}.'
    )
  for name, value in (('tolerance', tolerance), ('smoothing', smoothing)):
    if not value >= 0:
      raise ValueError(
        f'geometric_median: {name} must be 0 or more; got {value}.'
      )
  if start not in STARTS:
    raise ValueError(
      f'geometric_median: start must be one of {", ".join(STARTS)}; got '
      f'{start!r}.'
    )
