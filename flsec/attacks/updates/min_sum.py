"""Min-Sum: no further from all benign updates than one of them is."""

import functools

import tensorflow as tf

from flsec import registry
from flsec.attacks import attack as attack_lib
from flsec.attacks import known_rows
from flsec.attacks.updates import distance_search
from flsec.numerics import moments


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
    tolerance: of gamma; absolute, and relative to a gamma below 1.

  Returns:
    The attack; full knowledge by default.

  Raises:
    ValueError: if an option is outside its range.

  References:
    Shejwalkar and Houmansadr, "Manipulating the Byzantine: Optimizing Model
    Poisoning Attacks and Defenses for Federated Learning", NDSS 2021, section
    IV-D (equation 7) and Algorithm 1.
  """
  known_rows.require_choice('min_sum', 'bound', bound, distance_search.BOUNDS)
  return distance_search.furthest_point(
    'min_sum',
    functools.partial(_look, perturbation=perturbation, bound=bound),
    perturbation=perturbation,
    initial_scale=initial_scale,
    tolerance=tolerance,
  )


def _look(
  rows: tf.Tensor, *, perturbation: str, bound: str
) -> tuple[tf.Tensor, tf.Tensor, distance_search.IsNear]:
  mean, std, to_mean = moments.spread(rows)
  room = distance_search.min_sum_room(to_mean, bound)
  direction = distance_search.raw_perturbation(perturbation, mean, std)
  return mean, direction, lambda shift, norm: tf.square(shift * norm) <= room
