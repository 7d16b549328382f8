"""Weiszfeld's iteration for the geometric median, on coefficients.

Every iterate z = sum_i c_i x_i stays in the span of the rows, so that their
Gram matrix is all that is needed: an iteration never touches the stack.

The iteration has no meaning on a row, where a distance of 0 is divided by, and
creeps beside one. Wherever an end has to be told from a standstill, it is told
by a bound on what the cost could still fall by, and never by the length of a
step: a step is short beside every row, and any client can send a row.

References:
  Weiszfeld. Sur le point pour lequel la somme des distances de n points donnes
  est minimum. Tohoku Mathematical Journal 1937.
  Vardi, Zhang. The multivariate L1-median and associated data depth. PNAS 2000,
  Equations 2.4 to 2.6 (the step at a row, and its optimality).
"""

import tensorflow as tf

from flsec.numerics import gram

# Of squares: two rows that differ by less are one, seen from afar. A Gram
# matrix in float64 resolves some 2^-50.
RESOLUTION = 2.0**-46


def iterate(
  products: tf.Tensor,
  alphas: tf.Tensor,
  coefficients: tf.Tensor,
  num_iterations: int,
  tolerance: float,
  smoothing: float,
) -> tf.Tensor:
  """Iterates the coefficients of z = sum_i c_i x_i, where they sum to 1.

  `b_i = a_i / max(nu, ||z - x_i||)`, `z <- sum_i b_i x_i / sum_i b_i`. Where nu
  is 0 and z lies on a row, the step is that of Vardi and Zhang.

  Args:
    products: float64 [n, n], inner products of the rows, whatever the origin.
    alphas: float64 [n], weights of the rows, that sum to 1.
    coefficients: float64 [n], where to start.
    num_iterations: most iterations.
    tolerance: ends the iteration at a point whose cost is at most this share
      above the least; 0 runs all iterations.
    smoothing: nu; the cost of a row at a distance r below it is
      (r^2 / nu + nu) / 2.

  Returns:
    float64 [n].
  """

  def improve(step: tf.Tensor, point: tf.Tensor, _: tf.Tensor) -> tuple:
    new, is_best = _step(products, alphas, point, tolerance, smoothing)
    return step + 1, tf.where(is_best, point, new), is_best

  return tf.while_loop(
    lambda step, _, is_best: (step < num_iterations) & ~is_best,
    improve,
    (tf.constant(0), coefficients, tf.constant(False)),
    maximum_iterations=num_iterations,
  )[1]


def _step(
  products: tf.Tensor,
  alphas: tf.Tensor,
  point: tf.Tensor,
  tolerance: float,
  smoothing: float,
) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns the next point, and whether the present one was good enough."""
  norms = tf.linalg.diag_part(products)
  squares, square = squares_to(products, point)
  distances = tf.sqrt(squares)
  # A row of no weight is never in the way.
  is_here = tf.zeros_like(alphas, tf.bool)
  if not smoothing:
    is_here = (squares <= RESOLUTION * (norms + square)) & (alphas > 0)
  new, pull, weight = leave(
    products, alphas, tf.maximum(distances, smoothing), is_here, point
  )
  if not tolerance:
    return new, tf.constant(False)
  reach, middle = cost_scale(distances, alphas, smoothing)
  gap = tf.maximum(pull - weight, 0.0) * reach
  # Said so that NaN ends it, too.
  return new, ~(gap > 0.5 * tolerance * tf.maximum(middle, smoothing))


def from_zero(
  products: gram.Gram, alphas: tf.Tensor, smoothing: float
) -> tf.Tensor:
  """Returns the coefficients after the step from the zero vector.

  0 is no affine combination of the rows, so that `iterate` cannot start there.

  Args:
    products: of the rows.
    alphas: float64 [n], weights of the rows, that sum to 1.
    smoothing: nu.
  """
  squares = products.squared_norms()
  is_zero = tf.zeros_like(alphas, tf.bool)
  if not smoothing:
    finest = tf.linalg.diag_part(products.centred) + products.centre_square
    is_zero = (squares <= RESOLUTION * finest) & (alphas > 0)
  here = tf.where(is_zero, alphas, 0.0)
  here = tf.math.divide_no_nan(here, tf.reduce_sum(here))
  distances = tf.maximum(tf.sqrt(squares), smoothing)
  return leave(products.inner_products(), alphas, distances, is_zero, here)[0]


def squares_to(
  products: tf.Tensor, point: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns the rows' squared distances to a point [n], and its square."""
  beside = tf.linalg.matvec(products, point)
  square = dot(point, beside)
  squares = tf.linalg.diag_part(products) - 2.0 * beside + square
  return tf.maximum(squares, 0.0), tf.maximum(square, 0.0)


def leave(
  products: tf.Tensor,
  alphas: tf.Tensor,
  distances: tf.Tensor,
  is_here: tf.Tensor,
  point: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
  """Takes one step from a point, which may lie on rows.

  With `R = sum_i a_i (x_i - z) / ||x_i - z||` over the rows that are elsewhere
  and m the weight of those that are here, z is the best point just where
  `||R|| <= m`. Otherwise the step is shortened by the factor 1 - m / ||R||.

  Args:
    products: float64 [n, n], inner products, whatever the origin.
    alphas: float64 [n].
    distances: float64 [n], of the rows to the point.
    is_here: bool [n], rows that the point lies on.
    point: float64 [n], its coefficients.

  Returns:
    The next point's coefficients, `||R||` and m.
  """
  betas = tf.math.divide_no_nan(alphas, distances)
  betas = tf.where(is_here, tf.zeros_like(betas), betas)
  total = tf.reduce_sum(betas)
  pull = span_norm(products, betas - total * point)
  weight = tf.reduce_sum(tf.where(is_here, alphas, 0.0))
  stay = tf.where(weight < pull, tf.math.divide_no_nan(weight, pull), 1.0)
  stay = tf.where(tf.reduce_any(is_here), stay, 0.0)
  moved = tf.math.divide_no_nan(betas, total)
  return (1.0 - stay) * moved + stay * point, pull, weight


def dot(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
  """Returns the inner product of two vectors [n]."""
  # `tf.tensordot` is a dozen operations, and a rule is built often.
  return tf.reduce_sum(left * right)


def span_norm(products: tf.Tensor, coefficients: tf.Tensor) -> tf.Tensor:
  """Returns `||sum_i c_i x_i||`."""
  beside = tf.linalg.matvec(products, coefficients)
  return tf.sqrt(tf.maximum(dot(coefficients, beside), 0.0))


def cost_scale(
  distances: tf.Tensor, alphas: tf.Tensor, smoothing: float = 0.0
) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns how far the best point can be, and what a distance usually is.

  With W > 1/2 the weight of the k nearest rows and S the sum of their weighted
  distances, no point further away than `(2 S + nu / 2) / (2 W - 1)` costs less.
  The least of these over k does not grow with rows that are far away, and nor
  does the weighted median of the distances, half of which the cost is at least.

  Args:
    distances: float64 [n], of the rows to a point.
    alphas: float64 [n].
    smoothing: nu.

  Returns:
    Both float64 scalars.
  """
  order = tf.argsort(distances, stable=True)
  ranked, shares = tf.gather(distances, order), tf.gather(alphas, order)
  margin = 2.0 * tf.cumsum(shares) - 1.0
  reach = 2.0 * tf.cumsum(shares * ranked) + 0.5 * smoothing
  is_most = margin > 0
  infinity = tf.constant(float('inf'), distances.dtype)
  reach = tf.where(is_most, tf.math.divide_no_nan(reach, margin), infinity)
  middle = tf.where(is_most, ranked, infinity)
  return tf.reduce_min(reach), tf.reduce_min(middle)
