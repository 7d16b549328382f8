"""Min-Max: no further from any benign update than they are from each other."""

import functools

import tensorflow as tf

from flsec import registry
from flsec.attacks import attack as attack_lib
from flsec.attacks import known_rows
from flsec.attacks.updates import distance_search


@registry.attack('min_max', paper='Shejwalkar and Houmansadr, NDSS 2021')
def min_max(
  *,
  perturbation: str = 'std',
  initial_scale: float = 10.0,
  tolerance: float = 1e-5,
) -> attack_lib.Attack:
  """Min-Max: as far out as the two benign updates furthest apart allow.

  `x = mu - gamma * p` with the largest gamma in (0, 2 * initial_scale) for
  which `max_i |x - b_i|^2 <= max_ij |b_i - b_j|^2` over the rows known; p is
  `mu / |mu|` (unit), `sign(mu)` or the standard deviation (ddof = 1). One row
  known, or p = 0: `x = mu`.

  The rows are gradients, which the server subtracts: with 'std' a malicious row
  moves the weights up, by gamma * sigma more than the benign mean does (with
  `space: update` down). 'unit' and 'sign' turn with the mean, against it in
  either space.

  Args:
    perturbation: 'unit', 'sign' or 'std'.
    initial_scale: where the search starts; the authors' 10 reaches to 20.
    tolerance: absolute, of gamma.

  Returns:
    The attack; full knowledge by default.

  Raises:
    ValueError: if an option is outside its range.

  References:
    Shejwalkar and Houmansadr, "Manipulating the Byzantine: Optimizing Model
    Poisoning Attacks and Defenses for Federated Learning", NDSS 2021, section
    IV-C (equation 6) and Algorithm 1.
  """
  distance_search.check_options(
    'min_max', perturbation, initial_scale, tolerance
  )

  craft_vector = functools.partial(
    _furthest_point,
    perturbation=perturbation,
    initial=initial_scale,
    tolerance=tolerance,
  )
  return attack_lib.Attack(
    name='min_max',
    craft=known_rows.same_for_all(craft_vector),
    default_knowledge='full',
    minimum_known_rows=2,
  )


def _furthest_point(
  rows: tf.Tensor,
  context: attack_lib.AttackContext,
  *,
  perturbation: str,
  initial: float,
  tolerance: float,
) -> tf.Tensor:
  del context
  mean, direction, gram, along = distance_search.pairwise_spread(
    rows, perturbation
  )
  bound = tf.reduce_max(distance_search.squared_distances(gram))
  to_mean = tf.linalg.diag_part(gram)
  norm = tf.sqrt(distance_search.squared_norm(direction))
  factor = distance_search.length_factor(perturbation, norm)

  def is_allowed(gamma: tf.Tensor) -> tf.Tensor:
    # |mu - gamma p - b_i|^2, with p = factor * direction.
    shift = gamma * factor
    squares = to_mean + 2 * shift * along + tf.square(shift * norm)
    return tf.reduce_max(squares) <= bound

  gamma = distance_search.largest_scale(
    is_allowed, initial=initial, tolerance=tolerance
  )
  return mean - tf.cast(gamma * factor, mean.dtype) * direction
