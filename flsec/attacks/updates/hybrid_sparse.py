"""The hybrid sparse attack: bold on few weights, shy on the others.

Which weights, a mask says, made from the share delta = `keep_fraction`:

* `random`: of all trained weights; `layerwise`: of each tensor;
* `erk`: of the kernels, by Erdos-Renyi-Kernel densities, the first convolution
  whole;
* `force`: of the kernels, those a network pruned in steps on the malicious
  clients' examples keeps; `snip`: one such step;
* `synflow`: likewise, with no examples.
"""

import functools
from typing import Optional

import tensorflow as tf

from flsec import registry
from flsec.attacks import attack as attack_lib
from flsec.attacks import known_rows
from flsec.attacks.updates import alie, distance_search
from flsec.attacks.updates.masks import options as mask_options
from flsec.numerics import moments, scale_search

POLICIES = ('fixed', 'semi_adaptive')


@registry.attack('hybrid_sparse', paper='Ozfatura et al., arXiv 2024')
def hybrid_sparse(
  *,
  mask: str = 'force',
  keep_fraction: float = 0.005,
  include_critical: bool = True,
  policy: str = 'fixed',
  scale: Optional[float] = None,
  masked_scale: float = 1.5,
  bound: str = 'min',
  output_fraction: Optional[float] = 0.25,
  num_iterations: int = 100,
  batch_size: int = 32,
  num_batches: int = 3,
) -> attack_lib.Attack:
  """Hybrid sparse: ALIE everywhere, a bolder shift on a mask of few weights.

  `x = mu - (z1 (1 - c) + z2 c) * sigma`, where c in {0, 1}^d is made once,
  before round 1, from the malicious clients' own examples and the initial
  weights; mu and sigma (ddof = 1) are over the rows known. With c = 0 this is
  ALIE. The fixed policy takes z1 = scale; the semi-adaptive one takes in each
  round the largest z1 that Min-Sum's oracle allows (0 where none is).

  The rows are gradients, which the server subtracts: a malicious row moves the
  weights up, against the benign mean's, by the two scales times sigma (with
  `space: update` down).

  Args:
    mask: random, layerwise, erk, force, snip or synflow.
    keep_fraction: delta in (0, 1].
    include_critical: adds all biases and normalisation scales and shifts (the
      paper's '+'; layerwise then draws from the kernels only).
    policy: 'fixed' or 'semi_adaptive'.
    scale: z1 >= 0 of the fixed policy; None takes ALIE's z_max of n and f.
    masked_scale: z2 >= 0.
    bound: Min-Sum's bound, 'min' or 'max' (semi-adaptive policy).
    output_fraction: delta_FC^max in (0, 1], the cap on the output layer's share
      under force, snip and synflow; None lifts it.
    num_iterations: T, the pruning steps of force and synflow.
    batch_size, num_batches: examples in a batch and batches averaged at each
      step of force and snip.

  Returns:
    The attack; full knowledge by default.

  Raises:
    ValueError: if an option is outside its range.

  References:
    Ozfatura, Ozfatura, Kupcu and Gunduz, "Aggressive or Imperceptible, or
    Both: Network Pruning Assisted Hybrid Byzantines in Federated Learning",
    arXiv 2024, equations 19-27, Algorithms 3 and 4.
  """
  name = 'hybrid_sparse'
  known_rows.require_choice(name, 'policy', policy, POLICIES)
  known_rows.require_choice(name, 'bound', bound, distance_search.BOUNDS)
  known_rows.require_non_negative(name, 'scale', scale or 0.0)
  known_rows.require_non_negative(name, 'masked_scale', masked_scale)
  options = mask_options.MaskOptions(
    mask,
    keep_fraction,
    include_critical,
    output_fraction,
    num_iterations,
    batch_size,
    num_batches,
  )

  craft_vector = functools.partial(
    _crafted,
    shy_scale=scale,
    bold_scale=masked_scale,
    bound=bound if policy == 'semi_adaptive' else None,
  )
  return attack_lib.Attack(
    name='hybrid_sparse',
    craft=known_rows.same_for_all(craft_vector),
    default_knowledge='full',
    initialize=functools.partial(mask_options.make_mask, options),
    minimum_known_rows=2,
    idle=functools.partial(_idle, policy, scale, masked_scale),
  )


def _idle(
  policy: str,
  scale: Optional[float],
  masked_scale: float,
  num_clients: int,
  num_byzantine: int,
) -> Optional[str]:
  if masked_scale or policy != 'fixed':
    return None
  reason = alie.idle_scale(scale, num_clients, num_byzantine)
  return reason and f'masked_scale is 0, and {reason}'


def _crafted(
  rows: tf.Tensor,
  context: attack_lib.AttackContext,
  *,
  shy_scale: Optional[float],
  bold_scale: float,
  bound: Optional[str],
) -> tf.Tensor:
  """Returns x [d]; z1 is adapted where there is a bound."""
  chosen = _mask_of(context)
  if bound is None:
    mean, std = moments.mean_and_std(rows)
    shy = alie.scale_of_round(shy_scale, context, 'hybrid_sparse')
  else:
    mean, std, to_mean = moments.spread(rows)
    shy = _adapted_scale(std, chosen, to_mean, bold_scale, bound)
  return mean - tf.where(chosen, bold_scale, shy) * std


def _adapted_scale(
  std: tf.Tensor,
  chosen: tf.Tensor,
  to_mean: tf.Tensor,
  masked_scale: float,
  bound: str,
) -> tf.Tensor:
  """Returns the largest z1 within Min-Sum's bound, given z2.

  The two parts of the perturbation share no coordinate, so their squares add:
  `z1^2 |(1 - c) sigma|^2 + z2^2 |c sigma|^2 <= min_i |b_i - mu|^2` (or max).
  """
  masked = distance_search.squared_norm(tf.where(chosen, std, 0.0))
  free = distance_search.squared_norm(tf.where(chosen, 0.0, std))
  room = distance_search.min_sum_room(to_mean, bound) - masked_scale**2 * masked
  scale = scale_search.largest_scale(
    lambda z: z**2 * free <= room, initial=10.0, tolerance=1e-5
  )
  return tf.cast(scale, std.dtype)


def _mask_of(context: attack_lib.AttackContext) -> tf.Tensor:
  if context.state is None or isinstance(context.state, tuple):
    raise ValueError(
      'Attack hybrid_sparse reads its mask, bool [d], from '
      f"AttackContext.state; got {context.state!r}. Run the attack's "
      '`initialize` before round 1.'
    )
  return tf.cast(context.state, tf.bool)
