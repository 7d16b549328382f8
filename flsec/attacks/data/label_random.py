"""Random labels: every example is taught as a class drawn at random."""

from typing import Optional

import tensorflow as tf

from flsec import registry
from flsec.attacks.attack import Attack, AttackContext
from flsec.attacks.data.label_complement import required_classes
from flsec.attacks.data.random_integers import random_integers


@registry.attack('label_random', paper='Zhang et al., ICLR 2017')
def label_random(*, num_classes: Optional[int] = None) -> Attack:
  """Gives every example a label drawn uniformly from all classes.

  y' ~ U{0, ..., C - 1}, drawn anew for each batch, so that the label of an
  example changes from epoch to epoch; it may happen to be the true one. The
  attack is untargeted: it has no victims.

  Args:
    num_classes: C, classes of the data set.

  Returns:
    The attack, with the hook `poison`.

  Raises:
    ValueError: if num_classes is missing or below 2.

  References:
    Zhang et al., "Understanding deep learning requires rethinking
    generalization", ICLR 2017, section 2.1 (random labels).
  """
  classes = required_classes('label_random', num_classes)

  def poison(
    x: tf.Tensor, y: tf.Tensor, context: AttackContext
  ) -> tuple[tf.Tensor, tf.Tensor]:
    return x, random_integers(context.seed, tf.shape(y)) % classes

  return Attack('label_random', poison=poison)
