"""Min-Sum: no further from all benign updates than one of them is."""

import functools

import tensorflow as tf

from flsec import registry
from flsec.attacks import attack as attack_lib
from flsec.attacks import known_rows
from flsec.attacks.updates import distance_search


@registry.attack('min_sum', paper='Shejwalkar and Houmansadr, NDSS 2021')
def min_sum(
  *,
  perturbation: str = 'std',
  bound: str = 'min',
  initial_scale: float = 10.0,
  tolerance: float = 1e-5,
) -> attack_lib.Attack:
  """Min-Sum: as far from all benign updates together as one of them is.

  `x = mu - gamma * p` with the largest gamma in (0, 2 * initial_scale) for
  which `sum_i |x - b_i|^2 <= T` over the rows known, where
  `T = min_i sum_j |b_i - b_j|^2` (the authors' code) or the max over i (their
  text). p as in Min-Max. One row known, or p = 0: `x = mu`.

  Both sides hold `S = sum_i |b_i - mu|^2`; what is left is
  `gamma^2 |p|^2 <= min_i |b_i - mu|^2` (or max), which needs no pairwise
  distances.

  The rows are gradients, which the server subtracts: with 'std' a malicious row
  moves the weights up, by gamma * sigma more than the benign mean does (with
  `space: update` down). 'unit' and 'sign' turn with the mean, against it in
  either space.

  Args:
    perturbation: 'unit', 'sign' or 'std'.
    bound: 'min' or 'max', over the benign rows' sums of squared distances.
    initial_scale: where the search starts; the authors' 10 reaches to 20.
    tolerance: absolute, of gamma.

  Returns:
    The attack; full knowledge by default.

  Raises:
    ValueError: if an option is outside its range.

  References:
    Shejwalkar and Houmansadr, "Manipulating the Byzantine: Optimizing Model
    Poisoning Attacks and Defenses for Federated Learning", NDSS 2021, section
    IV-D (equation 7) and Algorithm 1.
  """
  distance_search.check_options(
    'min_sum', perturbation, initial_scale, tolerance
  )
  known_rows.require_choice('min_sum', 'bound', bound, distance_search.BOUNDS)

  craft_vector = functools.partial(
    _furthest_point,
    perturbation=perturbation,
    bound=bound,
    initial=initial_scale,
    tolerance=tolerance,
  )
  return attack_lib.Attack(
    name='min_sum',
    craft=known_rows.same_for_all(craft_vector),
    default_knowledge='full',
    minimum_known_rows=2,
  )


def _furthest_point(
  rows: tf.Tensor,
  context: attack_lib.AttackContext,
  *,
  perturbation: str,
  bound: str,
  initial: float,
  tolerance: float,
) -> tf.Tensor:
  del context
  mean, std, to_mean = distance_search.spread(rows)
  direction = distance_search.raw_perturbation(perturbation, mean, std)
  norm = tf.sqrt(distance_search.squared_norm(direction))
  factor = distance_search.length_factor(perturbation, norm)
  room = distance_search.min_sum_room(to_mean, bound)
  gamma = distance_search.largest_scale(
    lambda gamma: tf.square(gamma * factor * norm) <= room,
    initial=initial,
    tolerance=tolerance,
  )
  return mean - tf.cast(gamma * factor, mean.dtype) * direction
