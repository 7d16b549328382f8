"""The geometric median of rows, to an accuracy that is proved.

It is a row or it is not. If it is one, it is the row of least cost, and the
condition of Vardi and Zhang says so. If it is not, every point that costs less
than the best row lies on none, and a descent that starts below that cost never
meets one: Newton's method does it, with a step of Weiszfeld's after each of its
own, from which the coefficients come out as shares.

All is seen from the best row, so that distances to it keep their digits
however close an iterate comes, and costs are compared by what they differ, so
that rows which are far away do not drown the others' part.
"""

import tensorflow as tf

from flsec.numerics import weiszfeld

# Float64 resolves no more of a cost, of a pull, whose unit is the rows' total
# weight, and of a difference of costs.
_FINEST = 1e-12
_PULL_ROUNDING = 1e-12
_COST_ROUNDING = 2.0**-46
_MOST_DIRECTIONS = 50
# What a Newton step is tried at; the first that is as good as any is taken.
_STEPS = (1.0, 2.0, 4.0, *(0.5**k for k in range(1, 25)), 0.0)


def shares(
  products: tf.Tensor,
  alphas: tf.Tensor,
  start: tf.Tensor,
  num_iterations: int,
  tolerance: float,
) -> tf.Tensor:
  """Returns the shares of the rows in their geometric median.

  The cost `sum_i a_i ||z - x_i||` of z is at most the share `tolerance` above
  the least, unless the iterations end first. The bound is taken of the median
  distance, which is at most twice the cost, so that a few rows that are far
  away do not loosen it for the others.

  Where several rows are best, as on a line, it is the mean of these rows.

  Args:
    products: float64 [n, n], inner products of the rows, seen from a point
      among them.
    alphas: float64 [n], weights of the rows, that sum to 1.
    start: float64 [n], coefficients of a point to start from if it is better
      than the best row.
    num_iterations: most iterations.
    tolerance: above 0; below 1e-12 it counts as that.

  Returns:
    float64 [n], at least 0, that sum to 1.
  """
  tolerance = max(tolerance, _FINEST)
  excess = _excess_costs(products, alphas)
  best = tf.argmin(tf.where(alphas > 0, excess, float('inf')))
  seen = _seen_from(products, best)
  there = tf.one_hot(best, tf.shape(alphas)[0], dtype=alphas.dtype)
  is_optimal, is_equal, off = _try_row(
    products, seen, alphas, best, there, tolerance
  )

  is_better = _excess_cost(seen, alphas, start) < _excess_cost(
    seen, alphas, off
  )
  first = tf.where(is_better, start, off)
  first = tf.where(is_optimal, _tied(seen, alphas, is_equal), first)
  return _descend(seen, alphas, first, is_optimal, num_iterations, tolerance)


def _tied(seen: tf.Tensor, alphas: tf.Tensor, is_equal: tf.Tensor) -> tf.Tensor:
  """Returns the shares of the best rows."""
  _, middle = weiszfeld.cost_scale(_norms(seen), alphas)
  is_tied = _excess_costs(seen, alphas) <= _FINEST * middle
  chosen = tf.where(is_tied | is_equal, alphas, 0.0)
  return tf.math.divide_no_nan(chosen, tf.reduce_sum(chosen))


def _try_row(
  products: tf.Tensor,
  seen: tf.Tensor,
  alphas: tf.Tensor,
  best: tf.Tensor,
  there: tf.Tensor,
  tolerance: float,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
  """Says whether a row is optimal, which rows equal it, and where to go.

  Rows that are so near that the cost hardly depends on where they pull count
  as lying on it, too: optimal is then what is within the tolerance.
  """
  norms = tf.linalg.diag_part(products)
  finest = weiszfeld.RESOLUTION * (norms + tf.gather(norms, best))
  distances = _norms(seen)
  reach, middle = weiszfeld.cost_scale(distances, alphas)
  target = 0.5 * tolerance * middle
  is_equal = tf.square(distances) <= finest
  is_near = is_equal | (distances <= 0.25 * target)
  off, pull, weight = weiszfeld.leave(seen, alphas, distances, is_near, there)
  apart = tf.where(is_near & ~is_equal, alphas * distances, 0.0)
  excess = tf.maximum(pull - weight - _PULL_ROUNDING, 0.0)
  gap = 2.0 * tf.reduce_sum(apart) + excess * reach
  return gap <= target, is_equal, off


def _descend(
  seen: tf.Tensor,
  alphas: tf.Tensor,
  start: tf.Tensor,
  is_optimal: tf.Tensor,
  num_iterations: int,
  tolerance: float,
) -> tf.Tensor:
  """Descends from a point that is optimal, or that costs less than all rows."""

  def improve(step: tf.Tensor, point: tf.Tensor, _: tf.Tensor) -> tuple:
    squares, _ = weiszfeld.squares_to(seen, point)
    distances = tf.sqrt(squares)
    betas = tf.math.divide_no_nan(alphas, distances)
    residual = betas - tf.reduce_sum(betas) * point
    pull = weiszfeld.span_norm(seen, residual)
    reach, middle = weiszfeld.cost_scale(distances, alphas)
    # Said so that NaN ends it, too.
    is_best = ~(pull * reach > 0.5 * tolerance * middle)
    direction = _newton_direction(
      seen, point, betas, distances, residual, tf.minimum(pull, 0.1)
    )
    shifted = _search_line(seen, alphas, point, direction)
    squares, _ = weiszfeld.squares_to(seen, shifted)
    betas = tf.math.divide_no_nan(alphas, tf.sqrt(squares))
    new = tf.math.divide_no_nan(betas, tf.reduce_sum(betas))
    return step + 1, tf.where(is_best, point, new), is_best

  return tf.while_loop(
    lambda step, _, is_best: (step < num_iterations) & ~is_best,
    improve,
    (tf.constant(0), start, is_optimal),
    maximum_iterations=num_iterations,
  )[1]


def _newton_direction(
  seen: tf.Tensor,
  point: tf.Tensor,
  betas: tf.Tensor,
  distances: tf.Tensor,
  residual: tf.Tensor,
  accuracy: tf.Tensor,
) -> tf.Tensor:
  """Solves `H p = pull` by conjugate gradients, on coefficients.

  `H = sum_i b_i (I - u_i u_i')` with the unit vectors u_i from z to the rows.
  It is never formed, and never has to be inverted where it is singular.
  """
  total = tf.reduce_sum(betas)
  bends = tf.math.divide_no_nan(betas, tf.square(distances))

  def apply(vector: tf.Tensor, beside: tf.Tensor) -> tf.Tensor:
    along = bends * (beside - weiszfeld.dot(point, beside))
    return total * vector - along + tf.reduce_sum(along) * point

  def go(found, rest, way, beside_way, square):
    image = apply(way, beside_way)
    bend = weiszfeld.dot(beside_way, image)
    least = _FINEST * total * weiszfeld.dot(way, beside_way)
    length = square / tf.maximum(bend, least)
    found += length * way
    rest -= length * image
    beside = tf.linalg.matvec(seen, rest)
    new = tf.maximum(weiszfeld.dot(rest, beside), 0.0)
    ratio = tf.math.divide_no_nan(new, square)
    return found, rest, rest + ratio * way, beside + ratio * beside_way, new

  beside = tf.linalg.matvec(seen, residual)
  square = weiszfeld.dot(residual, beside)
  enough = tf.square(accuracy) * square
  return tf.while_loop(
    lambda *state: state[-1] > enough,
    go,
    (tf.zeros_like(residual), residual, residual, beside, square),
    maximum_iterations=_MOST_DIRECTIONS,
  )[0]


def _search_line(
  seen: tf.Tensor,
  alphas: tf.Tensor,
  point: tf.Tensor,
  direction: tf.Tensor,
) -> tf.Tensor:
  """Returns the best of several points along a direction.

  All of them need the same two products with the Gram matrix.
  """
  norms = tf.linalg.diag_part(seen)
  beside = tf.linalg.matvec(seen, point)
  beside_way = tf.linalg.matvec(seen, direction)
  square = weiszfeld.dot(point, beside)
  steps = tf.constant(_STEPS, alphas.dtype)
  squares = square + 2.0 * steps * weiszfeld.dot(point, beside_way)
  squares += tf.square(steps) * weiszfeld.dot(direction, beside_way)
  inner = beside + steps[:, None] * beside_way  # [s, n]
  gained = squares[:, None] - 2.0 * inner
  distances = tf.sqrt(tf.maximum(norms + gained, 0.0))
  costs = tf.linalg.matvec(
    tf.math.divide_no_nan(gained, distances + tf.sqrt(norms)), alphas
  )
  # Once costs agree to rounding, the pull at the full step is the smaller one.
  slack = _COST_ROUNDING * tf.sqrt(tf.maximum(square, 0.0))
  is_good = costs <= tf.reduce_min(costs) + slack
  step = tf.gather(steps, tf.argmax(tf.cast(is_good, tf.int32)))
  return point + step * direction


def _excess_cost(
  seen: tf.Tensor, alphas: tf.Tensor, point: tf.Tensor
) -> tf.Tensor:
  """Returns how much more a point costs than the origin."""
  norms = tf.linalg.diag_part(seen)
  beside = tf.linalg.matvec(seen, point)
  gained = weiszfeld.dot(point, beside) - 2.0 * beside
  distances = tf.sqrt(tf.maximum(norms + gained, 0.0))
  gained = tf.math.divide_no_nan(gained, distances + _norms(seen))
  return weiszfeld.dot(alphas, gained)


def _excess_costs(products: tf.Tensor, alphas: tf.Tensor) -> tf.Tensor:
  """Returns how much more each row costs than the origin, float64 [n]."""
  norms = tf.linalg.diag_part(products)
  gained = norms[:, None] - 2.0 * products  # [row as point, row]
  distances = tf.sqrt(tf.maximum(norms[None, :] + gained, 0.0))
  lengths = tf.sqrt(tf.maximum(norms, 0.0))
  gained = tf.math.divide_no_nan(gained, distances + lengths[None, :])
  return tf.linalg.matvec(gained, alphas)


def _norms(products: tf.Tensor) -> tf.Tensor:
  return tf.sqrt(tf.maximum(tf.linalg.diag_part(products), 0.0))


def _seen_from(products: tf.Tensor, row: tf.Tensor) -> tf.Tensor:
  """Returns the inner products as seen from a row, whose own are 0."""
  beside = tf.gather(products, row)
  seen = products - beside[:, None] - beside[None, :] + tf.gather(beside, row)
  is_row = tf.equal(tf.range(tf.shape(beside)[0]), tf.cast(row, tf.int32))
  return tf.where(is_row[:, None] | is_row[None, :], tf.zeros_like(seen), seen)
