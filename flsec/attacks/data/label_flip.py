"""Targeted label flipping: one class is taught as another."""

from typing import Optional

import tensorflow as tf

from flsec import registry
from flsec.attacks.attack import Attack, AttackContext, Victims


@registry.attack('label_flip', paper='Tolpegin et al., ESORICS 2020')
def label_flip(
  *,
  source_label: int = 1,
  target_label: int = 7,
  num_classes: Optional[int] = None,
) -> Attack:
  """Labels the source class as the target class; leaves all others alone.

  y' = target_label where y = source_label, else y. The examples stay as they
  are. Success is the error rate of the FLAP paper: the share of the source
  class's test images that the model takes for the target class.

  Args:
    source_label: the class whose labels change.
    target_label: the label it gets.
    num_classes: classes of the data set, to check the two labels against; None
      checks only that they are not negative.

  Returns:
    The attack, with the hooks `poison` and `victims`.

  Raises:
    ValueError: if the two labels are equal or outside the data set's.

  References:
    Tolpegin et al., "Data poisoning attacks against federated learning
    systems", ESORICS 2020, section 3.2. The FLAP paper flips 1 to 7; its code's
    configurations flip 7 to 1.
  """
  check_label('source_label', source_label, num_classes)
  check_label('target_label', target_label, num_classes)
  if source_label == target_label:
    raise ValueError(
      'label_flip needs two different labels; got source_label = target_label '
      f'= {source_label}, which changes nothing. Give another target_label.'
    )

  def poison(
    x: tf.Tensor, y: tf.Tensor, context: AttackContext
  ) -> tuple[tf.Tensor, tf.Tensor]:
    del context
    return x, tf.where(y == source_label, target_label, y)

  def victims(x: tf.Tensor, y: tf.Tensor) -> Victims:
    return Victims(x, tf.fill(tf.shape(y), target_label), y == source_label)

  return Attack(
    'label_flip',
    poison=poison,
    victims=victims,
    source_labels=(source_label,),
  )


def check_label(option: str, label: int, num_classes: Optional[int]) -> None:
  """Refuses a label that the data set does not have.

  Raises:
    ValueError: names the option, the labels there are and what was received.
  """
  if label < 0 or (num_classes is not None and label >= num_classes):
    allowed = 'at least 0'
    if num_classes is not None:
      allowed = f'from 0 to {num_classes - 1} (num_classes = {num_classes})'
    raise ValueError(f'{option} must be {allowed}; got {label}.')
