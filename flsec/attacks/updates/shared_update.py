"""Shared update: all malicious clients send what the first of them trained."""

from typing import Optional

import tensorflow as tf

from flsec import registry
from flsec.attacks import attack as attack_lib


@registry.attack(
  'shared_update', paper='Released code of Meng et al., ICICS 2023 (FLAP)'
)
def shared_update() -> attack_lib.Attack:
  """Let all malicious clients send the update of the first one of the round.

  `row_i = row_1`, by client id. Beside an attack on data or training, in
  `attack.compose`, one update counts f times: rules that look for rows close to
  each other (Krum, densities) find f that are equal. The weights move as that
  client's training has it.

  Returns:
    The attack; partial knowledge by default: attackers that do not see each
    other's rows have nothing to share.

  References:
    The released code of FLAP (Meng et al., ICICS 2023) trains the first
    malicious client and sends its update from all, scaled 30-fold
    (`model_replacement`).
  """

  def craft(
    own: tf.Tensor, benign: tf.Tensor, context: attack_lib.AttackContext
  ) -> tf.Tensor:
    del benign, context
    return tf.broadcast_to(own[:1], tf.shape(own))

  return attack_lib.Attack(
    name='shared_update',
    craft=craft,
    default_knowledge='partial',
    space='update',
    minimum_known_rows=2,  # Its own row is an honest update.
    idle=_idle,
  )


def _idle(num_clients: int, num_byzantine: int) -> Optional[str]:
  del num_clients
  if num_byzantine < 2:
    return 'a single attacker has nobody to share its update with'
  return None
