"""Inner-product manipulation: the benign mean, reversed."""

import tensorflow as tf

from flsec import registry
from flsec.attacks import attack as attack_lib
from flsec.attacks import known_rows
from flsec.numerics import moments


@registry.attack('ipm', paper='Xie et al., UAI 2019')
def ipm(*, scale: float = 0.4) -> attack_lib.Attack:
  """Inner-product manipulation: minus z times the benign mean.

  `x = -z * mu`. A small z slips through distance-based rules; a large one
  turns a plain mean round. The weights move against the benign mean's, whether
  rows are gradients or updates.

  Args:
    scale: z >= 0. 0.4 as in the hybrid sparse attack paper (0.1 and 0.2 are
      usual too).

  Returns:
    The attack; full knowledge by default.

  Raises:
    ValueError: if scale is negative.

  References:
    Xie, Koyejo and Gupta, "Fall of Empires: Breaking Byzantine-tolerant SGD by
    Inner Product Manipulation", UAI 2019, equation 1.
  """
  known_rows.require_non_negative('ipm', 'scale', scale)

  def craft_vector(
    rows: tf.Tensor, context: attack_lib.AttackContext
  ) -> tf.Tensor:
    del context
    return -scale * moments.mean(rows)

  return attack_lib.Attack(
    name='ipm',
    craft=known_rows.same_for_all(craft_vector),
    default_knowledge='full',
  )
