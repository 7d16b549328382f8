"""The scale search and the distances that Min-Max and Min-Sum share.

Everything the oracles ask is in a few inner products, taken in one pass over
the stack; a step of the search then costs O(r), whatever d is.
"""

from typing import Callable

import tensorflow as tf

from flsec.attacks import known_rows
from flsec.numerics import column_scan

PERTURBATIONS = ('unit', 'sign', 'std')
BOUNDS = ('min', 'max')


def largest_scale(
  is_allowed: Callable[[tf.Tensor], tf.Tensor],
  *,
  initial: float,
  tolerance: float,
) -> tf.Tensor:
  """Searches the largest scale that an oracle allows, in (0, 2 * initial).

  From `gamma = initial` with `step = initial`: where gamma is allowed it is
  kept and raised by step / 2, else lowered by step / 2; step halves; until
  gamma is within the tolerance of the scale kept. This is the terminating form
  of the authors' code; moves that start at a quarter of gamma could never come
  down to a small one.

  Args:
    is_allowed: `gamma float64 -> bool`; true up to some scale, then false.
    initial: where the search starts, > 0.
    tolerance: absolute, > 0.

  Returns:
    float64 scalar, allowed; 0 if nothing within reach is.

  References:
    Shejwalkar and Houmansadr, NDSS 2021, Algorithm 1.
  """

  def step(gamma, increment, best):
    allowed = is_allowed(gamma)
    half = increment / 2
    best = tf.where(allowed, gamma, best)
    return gamma + tf.where(allowed, half, -half), half, best

  start = tf.constant(initial, tf.float64)
  return tf.while_loop(
    lambda gamma, _, best: tf.abs(best - gamma) > tolerance,
    step,
    (start, start, tf.zeros([], tf.float64)),
  )[2]


def spread(rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
  """Returns mean [d], std [d] and each row's squared distance to the mean [r].

  One pass. The distances, float64, settle Min-Sum with no pairwise ones:
  `sum_j |b_i - b_j|^2 = r |b_i - mu|^2 + sum_j |b_j - mu|^2`.
  """

  def visit(block):
    mean, _, squares = column_scan.centred(block)
    distances = tf.cast(tf.reduce_sum(squares, axis=1), tf.float64)
    return (mean, column_scan.sample_std(squares)), (distances,)

  (mean, std), (distances,) = column_scan.scan_columns(rows, visit)
  return mean, std, distances


def min_sum_room(to_mean: tf.Tensor, bound: str) -> tf.Tensor:
  """Returns the squared distance from the mean that Min-Sum's bound leaves.

  `sum_i |x - b_i|^2 = r |x - mu|^2 + S <= T` with `S = sum_i |b_i - mu|^2` and
  `T = r |b_i - mu|^2 + S` of one i: S falls out.

  Args:
    to_mean: float64 [r], each row's squared distance to the mean.
    bound: one of BOUNDS, over i.
  """
  return tf.reduce_min(to_mean) if bound == 'min' else tf.reduce_max(to_mean)


def pairwise_spread(
  rows: tf.Tensor, perturbation: str
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
  """Returns what Min-Max asks of a stack, in one pass.

  Args:
    rows: float32 [r, d].
    perturbation: one of PERTURBATIONS.

  Returns:
    The mean [d]; the perturbation vector p before scaling [d]; float64 inner
    products: of the rows less their mean with each other [r, r], and with p
    [r].
  """

  def visit(block):
    mean, deviations, squares = column_scan.centred(block)
    std = column_scan.sample_std(squares)
    direction = raw_perturbation(perturbation, mean, std)
    gram = tf.matmul(deviations, deviations, transpose_b=True)
    along = tf.linalg.matvec(deviations, direction)
    return (mean, direction), (
      tf.cast(gram, tf.float64),
      tf.cast(along, tf.float64),
    )

  (mean, direction), (gram, along) = column_scan.scan_columns(rows, visit)
  return mean, direction, gram, along


def squared_distances(gram: tf.Tensor) -> tf.Tensor:
  """Returns pairwise squared distances from inner products, [r, r] -> [r, r].

  Clamped at 0, where rounding would leave a negative one.
  """
  norms = tf.linalg.diag_part(gram)
  return tf.maximum(norms[:, None] + norms[None, :] - 2 * gram, 0)


def raw_perturbation(
  perturbation: str, mean: tf.Tensor, std: tf.Tensor
) -> tf.Tensor:
  """Returns p before scaling: the mean ('unit'), its sign, or the std."""
  if perturbation == 'unit':
    return mean
  return tf.sign(mean) if perturbation == 'sign' else std


def squared_norm(vector: tf.Tensor) -> tf.Tensor:
  """Returns |vector|^2 in float64."""
  return tf.reduce_sum(tf.square(tf.cast(vector, tf.float64)))


def length_factor(perturbation: str, norm: tf.Tensor) -> tf.Tensor:
  """Returns what scales raw p to p: 1 / |mu| for 'unit' (0 at 0), else 1."""
  if perturbation == 'unit':
    return tf.math.divide_no_nan(tf.ones_like(norm), norm)
  return tf.ones_like(norm)


def check_options(
  name: str, perturbation: str, initial_scale: float, tolerance: float
) -> None:
  """Refuses options that the search cannot run with.

  Raises:
    ValueError: names the attack, the option, the bound and the value.
  """
  known_rows.require_choice(name, 'perturbation', perturbation, PERTURBATIONS)
  for option, value in (
    ('initial_scale', initial_scale),
    ('tolerance', tolerance),
  ):
    if not 0 < value < float('inf'):
      raise ValueError(
        f'Attack {name} needs a finite {option} > 0; got {value}.'
      )
