"""What Min-Max and Min-Sum share: how far out a perturbation may go.

Everything their bounds ask is in a few inner products, taken in one pass over
the stack; a step of the search then costs O(r), whatever d is.
"""

from typing import Callable

import tensorflow as tf

from flsec.attacks import attack as attack_lib
from flsec.attacks import known_rows
from flsec.numerics import columns, gram, moments, scale_search

PERTURBATIONS = ('unit', 'sign', 'std')
BOUNDS = ('min', 'max')

# (shift float64, |p| float64) -> whether mu - shift * p is near enough.
IsNear = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
# rows [r, d] -> mean [d], perturbation p before scaling [d], what is near.
Look = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor, IsNear]]


def furthest_point(
  name: str,
  look: Look,
  *,
  perturbation: str,
  initial_scale: float,
  tolerance: float,
) -> attack_lib.Attack:
  """Builds the attack that sends `mu - gamma * p` with the largest gamma.

  Args:
    name: of the attack.
    look: sees the rows known, in one pass.
    perturbation: one of PERTURBATIONS.
    initial_scale: where the search starts.
    tolerance: of gamma.

  Raises:
    ValueError: if an option is outside its range.
  """
  check_options(name, perturbation, initial_scale, tolerance)

  def craft_vector(
    rows: tf.Tensor, context: attack_lib.AttackContext
  ) -> tf.Tensor:
    del context
    mean, direction, is_near = look(rows)
    norm = tf.sqrt(squared_norm(direction))
    factor = length_factor(perturbation, norm)
    gamma = scale_search.largest_scale(
      lambda gamma: is_near(gamma * factor, norm),
      initial=initial_scale,
      tolerance=tolerance,
    )
    return mean - tf.cast(gamma * factor, mean.dtype) * direction

  return attack_lib.Attack(
    name=name,
    craft=known_rows.same_for_all(craft_vector),
    default_knowledge='full',
    minimum_known_rows=2,
  )


def min_sum_room(to_mean: tf.Tensor, bound: str) -> tf.Tensor:
  """Returns the squared distance from the mean that Min-Sum's bound leaves.

  `sum_i |x - b_i|^2 = r |x - mu|^2 + S <= T` with `S = sum_i |b_i - mu|^2` and
  `T = r |b_i - mu|^2 + S` of one i: S falls out, and no pairwise distance is
  needed.

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

  def visit(block: tf.Tensor) -> tuple[columns.Tensors, columns.Tensors]:
    mean, deviations, squares = moments.centred(block)
    std = moments.sample_std(squares)
    direction = raw_perturbation(perturbation, mean, std)
    along = tf.cast(tf.linalg.matvec(deviations, direction), tf.float64)
    return (mean, direction), (gram.block_products(deviations), along)

  count = columns.num_rows(rows)
  zeros = (tf.zeros([count, count], tf.float64), tf.zeros([count], tf.float64))
  return columns.ask(rows, columns.Asker(visit, (rows.dtype,) * 2, zeros))


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
