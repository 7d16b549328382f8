"""Model replacement: an update scaled up until it survives the mean."""

import dataclasses
from typing import Optional

import tensorflow as tf

from flsec import registry
from flsec.attacks.attack import Attack, AttackContext
from flsec.attacks.hooks import chain_update


@registry.attack('model_replacement', paper='Bagdasaryan et al., AISTATS 2020')
def model_replacement(
  *, attack: Attack, scale: Optional[float] = None
) -> Attack:
  """Multiplies the update of an attack so that the mean keeps it.

  delta' = scale * (w_attack - w). With one attacker, scale = n, an unweighted
  mean and honest updates that cancel out, the next global weights are exactly
  w_attack. Wu et al. use 1 <= scale <= n (their alpha; 3 in their figure 8),
  the larger the more alike the clients' data are; with several attackers n / f
  does. The scale is a no-op under rules that normalise.

  Args:
    attack: the attack whose update is scaled, such as badnets.
    scale: the factor, above 0; None: n, the clients of the round.

  Returns:
    The attack, with the hook `update` behind those of `attack`.

  Raises:
    ValueError: if scale is not above 0.

  References:
    Bagdasaryan et al., "How to backdoor federated learning", AISTATS 2020,
    equation 3. Wu et al., "Mitigating backdoor attacks in federated learning",
    2020, section III.
  """
  if scale is not None and not scale > 0:
    raise ValueError(f'model_replacement needs scale > 0; got {scale}.')

  def update(values: tf.Tensor, context: AttackContext) -> tf.Tensor:
    if scale is not None:
      return scale * values
    return participants('model_replacement', context)[0] * values

  return dataclasses.replace(
    attack,
    name=f'model_replacement({attack.name})',
    update=chain_update([attack.update, update]),
    # A scaled honest update is no honest one.
    idle=attack.idle if scale == 1 else None,
  )


def participants(
  attack: str, context: AttackContext
) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns the round's clients and the malicious ones, as float32 scalars.

  Raises:
    ValueError: if the attacker does not know them.
  """
  if context.num_clients is None or context.num_byzantine is None:
    raise ValueError(
      f'{attack} without `scale` needs the number of clients in the round and '
      'of malicious ones, which this training does not know. Give `scale`.'
    )
  return (
    tf.cast(context.num_clients, tf.float32),
    tf.cast(context.num_byzantine, tf.float32),
  )
