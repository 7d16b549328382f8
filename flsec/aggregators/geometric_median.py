"""The geometric median (RFA), by Weiszfeld's iteration."""

import tensorflow as tf

from flsec import registry
from flsec.aggregators.rule import Measurements, Rule, ServerContext, stateless
from flsec.numerics import columns, gram, selection

STARTS = ('mean', 'zero')
# Distances below this share of their median count as that much, so that an
# iterate on a row divides by something.
_FLOOR = 1e-9
_TINY = 1e-150


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

  Smoothed Weiszfeld iteration from z = the mean, or 0:
  `b_i = a_i / max(nu, ||z - x_i||)`, `z <- sum_i b_i x_i / sum_i b_i`. z stays
  in the span of the updates, so it is iterated on the n coefficients with
  distances from the Gram matrix: an iteration never touches the stack.
  `selected` are the coefficients.

  Args:
    num_iterations: most iterations, 1 or more.
    tolerance: ends the iteration where z moves by less than this share of the
      median distance; 0 runs all iterations.
    smoothing: nu, 0 or more, in the unit of the updates.
    start: 'mean' or 'zero'. FL-Byzantine-Library runs start='zero',
      num_iterations=3, tolerance=0, smoothing=0.1.
    weighted: a_i is the number of examples; otherwise 1.

  Raises:
    ValueError: an option is out of its range.

  References:
    Pillutla, Kakade, Harchaoui. Robust aggregation for federated learning. IEEE
    Transactions on Signal Processing 2022, Algorithm 2.
  """
  _check_options(num_iterations, tolerance, smoothing, start)

  def aggregate(
    updates: tf.Tensor, weights: tf.Tensor, context: ServerContext
  ) -> tuple[tf.Tensor, Measurements]:
    del context
    if not weighted:
      weights = tf.ones([columns.num_rows(updates)])
    alphas = tf.cast(selection.equal_shares(weights), tf.float64)
    products = gram.gram(updates)
    coefficients = alphas
    if start == 'zero':
      # 0 is no affine combination of the rows: the first step is done apart.
      norms = tf.sqrt(products.squared_norms())
      coefficients = _reweight(alphas, norms, smoothing)
    steps = num_iterations - (start == 'zero')
    coefficients = weiszfeld(
      products.centred, alphas, coefficients, steps, tolerance, smoothing
    )
    shares = tf.cast(coefficients, tf.float32)
    return selection.weighted_sum(shares, updates), {'selected': shares}

  return stateless(
    f'geometric_median({num_iterations=}, {smoothing=}, {start=})',
    aggregate,
    selects_rows=True,
    leaves_out_rows=False,
  )


def weiszfeld(
  products: tf.Tensor,
  alphas: tf.Tensor,
  coefficients: tf.Tensor,
  num_iterations: int,
  tolerance: float,
  smoothing: float,
) -> tf.Tensor:
  """Iterates the coefficients of z = sum_i c_i x_i, where they sum to 1.

  Args:
    products: float64 [n, n], inner products of the rows, whatever the origin.
    alphas: float64 [n], weights of the rows.
    coefficients: float64 [n], where to start.
    num_iterations: most iterations.
    tolerance: see `geometric_median`.
    smoothing: nu.

  Returns:
    float64 [n].
  """
  squares = tf.linalg.diag_part(products)

  def distances(point: tf.Tensor) -> tf.Tensor:
    beside = tf.linalg.matvec(products, point)
    total = squares - 2.0 * beside + tf.tensordot(point, beside, 1)
    return tf.sqrt(tf.maximum(total, 0.0))

  def improve(step: tf.Tensor, point: tf.Tensor, _: tf.Tensor) -> tuple:
    apart = distances(point)
    new = _reweight(alphas, apart, smoothing)
    shift = new - point
    moved = tf.tensordot(shift, tf.linalg.matvec(products, shift), 1)
    moved = tf.sqrt(tf.maximum(moved, 0.0))
    return step + 1, new, moved > tolerance * _median(apart)

  return tf.while_loop(
    lambda step, _, moves: (step < num_iterations) & moves,
    improve,
    (tf.constant(0), coefficients, tf.constant(True)),
  )[1]


def _reweight(
  alphas: tf.Tensor, distances: tf.Tensor, smoothing: float
) -> tf.Tensor:
  floor = tf.maximum(_FLOOR * _median(distances), max(smoothing, _TINY))
  betas = alphas / tf.maximum(distances, floor)
  return tf.math.divide_no_nan(betas, tf.reduce_sum(betas))


def _median(values: tf.Tensor) -> tf.Tensor:
  return tf.sort(values)[(columns.num_rows(values) - 1) // 2]


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
