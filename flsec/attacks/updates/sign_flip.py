"""Send the update reversed."""

import tensorflow as tf

from flsec import registry
from flsec.attacks import attack as attack_lib
from flsec.attacks import known_rows
from flsec.numerics import moments


@registry.attack('sign_flip', paper='Li et al., AAAI 2019')
def sign_flip(*, scale: float = 1.0, source: str = 'own') -> attack_lib.Attack:
  """Send the update reversed: minus a factor times one's own, or the mean.

  `source='own'` sends `-scale * own` after local training, each malicious
  client by itself (no knowledge); `source='mean'` sends `-scale * mu` over the
  rows known, the same for all (ByzFL's sign flipping). Either way the weights
  move against it, whether rows are gradients or updates. To flip each local
  gradient before momentum, use `bit_flip`.

  Args:
    scale: the factor, >= 0.
    source: 'own' or 'mean'.

  Returns:
    The attack: an update hook for 'own', a craft with full knowledge by
    default for 'mean'.

  Raises:
    ValueError: if scale is negative or source is neither.

  References:
    Li, Xu, Chen, Giannakis and Ling, "RSA: Byzantine-Robust Stochastic
    Aggregation Methods for Distributed Learning", AAAI 2019, section 5.
  """
  known_rows.require_non_negative('sign_flip', 'scale', scale)
  known_rows.require_choice('sign_flip', 'source', source, ('own', 'mean'))

  def flip_own(
    update: tf.Tensor, context: attack_lib.AttackContext
  ) -> tf.Tensor:
    del context
    return -scale * update

  def flip_mean(
    rows: tf.Tensor, context: attack_lib.AttackContext
  ) -> tf.Tensor:
    del context
    return -scale * moments.mean(rows)

  if source == 'own':
    return attack_lib.Attack(name='sign_flip', update=flip_own)
  return attack_lib.Attack(
    name='sign_flip',
    craft=known_rows.same_for_all(flip_mean),
    default_knowledge='full',
  )
