"""Min-Max: no further from any benign update than they are from each other."""

import functools

import tensorflow as tf

from flsec import registry
from flsec.attacks import attack as attack_lib
from flsec.attacks import known_rows
from flsec.attacks.updates import distance_search, own_centred_min_max
from flsec.numerics import gram


@registry.attack('min_max', paper='Shejwalkar and Houmansadr, NDSS 2021')
def min_max(
  *,
  perturbation: str = 'std',
  initial_scale: float = 10.0,
  tolerance: float = 1e-5,
  replication: str = 'none',
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
    tolerance: of gamma; absolute, and relative to a gamma below 1.
    replication: 'none', or 'agramplifier', AGRAMPLIFIER's code and so its
      printed "S&H": each attacker i sends `own_i - gamma_i * sigma`, with the
      largest gamma_i for which the *squared* distance `max_j |x - b_j|^2` is
      within the distance `max_jk |b_j - b_k|`. Once updates are further apart
      than 1 hardly any gamma is: gamma is 0, and the attacker sends its honest
      update. Needs perturbation 'std' (and `space: update`, as in that code).

  Returns:
    The attack; full knowledge by default.

  Raises:
    ValueError: if an option is outside its range.

  References:
    Shejwalkar and Houmansadr, "Manipulating the Byzantine: Optimizing Model
    Poisoning Attacks and Defenses for Federated Learning", NDSS 2021, section
    IV-C (equation 6) and Algorithm 1.
  """
  known_rows.require_choice(
    'min_max', 'replication', replication, ('none', 'agramplifier')
  )
  if replication == 'agramplifier':
    if perturbation != 'std':
      raise ValueError(
        "Attack min_max with replication='agramplifier' moves along the "
        f'standard deviation; got perturbation={perturbation!r}. Leave it out.'
      )
    return own_centred_min_max.build(initial_scale, tolerance)
  return distance_search.furthest_point(
    'min_max',
    functools.partial(_look, perturbation=perturbation),
    perturbation=perturbation,
    initial_scale=initial_scale,
    tolerance=tolerance,
  )


def _look(
  rows: tf.Tensor, *, perturbation: str
) -> tuple[tf.Tensor, tf.Tensor, distance_search.IsNear]:
  mean, direction, products, along = distance_search.pairwise_spread(
    rows, perturbation
  )
  bound = tf.reduce_max(gram.distances_between(products))
  to_mean = tf.linalg.diag_part(products)

  def is_near(shift: tf.Tensor, norm: tf.Tensor) -> tf.Tensor:
    # |mu - shift * direction - b_i|^2.
    squares = to_mean + 2 * shift * along + tf.square(shift * norm)
    return tf.reduce_max(squares) <= bound

  return mean, direction, is_near
