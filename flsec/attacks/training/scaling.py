"""T-Scal: a poisoned update scaled by the attackers' share."""

import dataclasses
from typing import Callable, Optional

import tensorflow as tf

from flsec import registry
from flsec.attacks import known_rows
from flsec.attacks.attack import Attack, AttackContext
from flsec.attacks.hooks import base_training, honest_first, starting_at
from flsec.attacks.training.model_replacement import participants


@registry.attack('scaling', paper='Cao et al., NDSS 2021 (T-Scal)')
def scaling(
  *,
  attack: Attack,
  scale: Optional[float] = None,
  has_honest_part: bool = True,
  replication: str = 'none',
) -> Attack:
  """Scales an attack's update by 1 / M_f, on top of an honest update.

  With an honest part, as in AGRAMPLIFIER's code: delta' = delta_honest +
  scale * delta_attack, where delta_attack is trained from the honestly trained
  weights (in that code with the moments from there, too: `replication`).
  Without, as the paper's text has it: delta' = scale * delta_attack, trained
  from the global weights. An `update` hook of `attack` comes after the scaling,
  on the sum.

  Args:
    attack: the attack whose update is scaled, such as badnets.
    scale: the factor, above 0; None: 1 / M_f = n / f, from the round's clients
      and the malicious ones among them.
    has_honest_part: train honestly first and add that update.
    replication: 'none', or 'agramplifier': as its code does, the attack's
      training goes on with the optimiser's moments of the honest one, too.

  Returns:
    The attack, with the hook `train` in place of those that it covers.

  Raises:
    ValueError: if scale is not above 0, or a replication is unknown or asked
      for without the honest part.

  References:
    Cao et al., "FLTrust", NDSS 2021, section VI-A (scaling attack). "Better
    together", AGRAMPLIFIER's paper, section 4.2.2 (T-Scal, factor 1 / M_f).
  """
  if scale is not None and not scale > 0:
    raise ValueError(f'scaling needs scale > 0; got {scale}.')
  known_rows.require_choice(
    'scaling', 'replication', replication, ('none', 'agramplifier')
  )
  goes_on = replication == 'agramplifier'
  if goes_on and not has_honest_part:
    raise ValueError(
      "scaling with replication='agramplifier' goes on from an honest training."
      ' Leave has_honest_part out, or the replication.'
    )

  def factor(context: AttackContext) -> tf.Tensor:
    if scale is not None:
      return tf.constant(scale, tf.float32)
    num_clients, num_byzantine = participants('scaling', context)
    return num_clients / num_byzantine

  def train(run: Callable[..., tf.Tensor], context: AttackContext) -> tf.Tensor:
    poisoned = base_training(attack)
    if not has_honest_part:
      return factor(context) * poisoned(run, context)
    if goes_on:
      honest, run_on = honest_first(run, context.weights)
    else:
      honest = run()
      run_on = starting_at(run, context.weights + honest)
    moved = dataclasses.replace(context, weights=context.weights + honest)
    return honest + factor(context) * poisoned(run_on, moved)

  return dataclasses.replace(
    attack, name=f'scaling({attack.name})', train=train, idle=None
  )
