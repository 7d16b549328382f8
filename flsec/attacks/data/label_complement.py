"""Complement label flipping: every class is taught as its mirror image."""

from typing import Optional

import tensorflow as tf

from flsec import registry
from flsec.attacks.attack import Attack, AttackContext


@registry.attack('label_complement', paper='Fang et al., USENIX Security 2020')
def label_complement(*, num_classes: Optional[int] = None) -> Attack:
  """Labels every example of class y as class C - 1 - y.

  y' = C - 1 - y, with C = num_classes. With an odd C the middle class keeps its
  label. The attack is untargeted: it has no victims.

  Args:
    num_classes: C, classes of the data set.

  Returns:
    The attack, with the hook `poison`.

  Raises:
    ValueError: if num_classes is missing or below 2.

  References:
    Fang et al., "Local model poisoning attacks to Byzantine-robust federated
    learning", USENIX Security 2020, section 4.1. FedER's LF attack, and the
    label flipping of the hybrid sparse attack's paper ("subtracting from the
    number of classes" means C - 1 - y).
  """
  classes = required_classes('label_complement', num_classes)

  def poison(
    x: tf.Tensor, y: tf.Tensor, context: AttackContext
  ) -> tuple[tf.Tensor, tf.Tensor]:
    del context
    return x, classes - 1 - y

  return Attack('label_complement', poison=poison)


def required_classes(attack: str, num_classes: Optional[int]) -> int:
  """Returns num_classes of an attack that cannot do without it.

  Raises:
    ValueError: if it is missing or below 2.
  """
  if num_classes is None:
    raise ValueError(
      f'{attack} needs to know how many classes there are. Give num_classes.'
    )
  if num_classes < 2:
    raise ValueError(
      f'{attack} needs num_classes >= 2, or no label can change; got '
      f'{num_classes}.'
    )
  return num_classes
