"""What backdoors share: which rows they poison, and who their victims are."""

from typing import Callable, Optional

import tensorflow as tf

from flsec.attacks.attack import Victims
from flsec.attacks.data.label_flip import check_label

# FedER and the hybrid backdoors: 4 of 32 or 8 of 64.
DEFAULT_FRACTION = 0.125
# y int32 [b] -> bool [b], the rows of a batch that the attack poisons.
RowChoice = Callable[[tf.Tensor], tf.Tensor]


def choose_rows(
  source_label: Optional[int],
  num_poisoned: Optional[int],
  poison_fraction: Optional[float],
) -> RowChoice:
  """Builds the choice of a batch's rows.

  Of the rows that are eligible (all, or those of the source class) either the
  first num_poisoned are taken, all of them if there are fewer, or a fraction p:
  of any first r eligible rows floor(p r + 1/2) are. Batches are shuffled, so
  the first rows are random ones; and rows that only fill up a short batch, the
  last ones, change nothing for the others.

  Args:
    source_label: the only class that is eligible, or None.
    num_poisoned: rows a batch, at least 1, or None.
    poison_fraction: share of the eligible rows, in (0, 1], or None. Where both
      are None it is 1/8.

  Returns:
    The choice.

  Raises:
    ValueError: if both are given, or one is out of bounds.
  """
  if num_poisoned is not None and poison_fraction is not None:
    raise ValueError(
      'Give num_poisoned (rows a batch) or poison_fraction, not both; got '
      f'{num_poisoned} and {poison_fraction}.'
    )
  if num_poisoned is not None and num_poisoned < 1:
    raise ValueError(f'num_poisoned must be at least 1; got {num_poisoned}.')
  fraction = DEFAULT_FRACTION if poison_fraction is None else poison_fraction
  if not 0 < fraction <= 1:
    raise ValueError(
      f'poison_fraction must be above 0 and at most 1; got {fraction}.'
    )

  def taken(rank: tf.Tensor) -> tf.Tensor:
    return tf.floor(fraction * tf.cast(rank, tf.float32) + 0.5)

  def choose(y: tf.Tensor) -> tf.Tensor:
    eligible = tf.ones_like(y, tf.bool)
    if source_label is not None:
      eligible = y == source_label
    rank = tf.cumsum(tf.cast(eligible, tf.int32))  # From 1 among eligible rows.
    if num_poisoned is not None:
      return eligible & (rank <= num_poisoned)
    return eligible & (taken(rank) > taken(rank - 1))

  return choose


def replace_rows(
  is_chosen: tf.Tensor, new: tf.Tensor, old: tf.Tensor
) -> tf.Tensor:
  """Returns `new` [b, ...] at the rows of is_chosen bool [b], else `old`."""
  shape = [-1] + [1] * (old.shape.rank - 1)
  return tf.where(tf.reshape(is_chosen, shape), new, old)


def stamped_victims(
  stamp: Callable[[tf.Tensor], tf.Tensor],
  source_label: Optional[int],
  target_label: int,
) -> Callable[[tf.Tensor, tf.Tensor], Victims]:
  """Builds the victims of a trigger: stamped test images.

  All but those of the target class count, which the model would call so
  anyway; with a source class only its images do.
  """

  def victims(x: tf.Tensor, y: tf.Tensor) -> Victims:
    counts = y != target_label if source_label is None else y == source_label
    return Victims(stamp(x), tf.fill(tf.shape(y), target_label), counts)

  return victims


def only_source(source_label: Optional[int]) -> tuple[int, ...]:
  """Returns `Attack.source_labels` of a backdoor."""
  return () if source_label is None else (source_label,)


def check_labels(
  attack: str,
  source_label: Optional[int],
  target_label: int,
  num_classes: Optional[int],
  source_option: str = 'source_label',
) -> None:
  """Refuses labels that do not exist, and a target that is the source.

  Args:
    attack: its name, for messages.
    source_label, target_label: the labels.
    num_classes: classes of the data set, or None.
    source_option: what the first of them is called.

  Raises:
    ValueError: names the option and what was received.
  """
  check_label('target_label', target_label, num_classes)
  if source_label is None:
    return
  check_label(source_option, source_label, num_classes)
  if source_label == target_label:
    raise ValueError(
      f'{attack} needs a target_label that is not the {source_option}; got '
      f'{target_label} for both, which teaches nothing.'
    )
