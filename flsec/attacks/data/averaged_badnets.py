"""AVGBN: malicious clients that agree on one backdoored update."""

import dataclasses
from typing import Optional

import tensorflow as tf

from flsec import registry
from flsec.attacks.attack import Attack, AttackContext
from flsec.attacks.data.badnets import badnets


@registry.attack('averaged_badnets', paper='Jiang et al., 2023 (FedER, AVGBN)')
def averaged_badnets(*, attack: Optional[Attack] = None) -> Attack:
  """Lets every malicious client send the mean of the malicious updates.

  Each of the c malicious clients trains on its own backdoored examples; then
  all send the same row (1 / c) sum_i delta_i, so that their directions do not
  cancel one another. The mean is unweighted and taken over unpruned updates:
  what a pruning defence does to a row, it does to all of them alike.

  Args:
    attack: what each of them trains; None: badnets with FedER's trigger for
      28x28 digits and target 0.

  Returns:
    The attack, with the hooks of `attack` and `craft`, at knowledge 'partial'.

  Raises:
    ValueError: if `attack` crafts updates itself.

  References:
    Jiang, Cao, Chen and Gong, "FedER: communication-efficient Byzantine-robust
    federated learning", 2023, section 4 and appendix (AVGBN attack).
  """
  attack = attack or badnets()
  if attack.craft is not None:
    raise ValueError(
      'averaged_badnets averages what clients have trained, but '
      f'{attack.name!r} crafts updates itself. Give an attack on examples or '
      'training, such as badnets.'
    )

  def craft(
    own: tf.Tensor, benign: tf.Tensor, context: AttackContext
  ) -> tf.Tensor:
    del benign, context
    mean = tf.reduce_mean(own, axis=0, keepdims=True)  # [1, d]
    return tf.broadcast_to(mean, tf.shape(own))

  return dataclasses.replace(
    attack,
    name=f'averaged({attack.name})',
    craft=craft,
    default_knowledge='partial',
    idle=None,  # All send one row, even of honest updates.
    space='update',
  )
