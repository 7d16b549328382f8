"""DBA: each attacker trains one part of a trigger; the test shows the union."""

from collections.abc import Sequence
from typing import Optional, Union

import numpy as np
import tensorflow as tf

from flsec import registry
from flsec.attacks.attack import Attack, AttackContext
from flsec.attacks.data.backdoor import (
  check_labels,
  choose_rows,
  only_source,
  replace_rows,
  stamped_victims,
)
from flsec.attacks.data.trigger import (
  Trigger,
  TriggerSpec,
  build_trigger,
  union,
)
from flsec.attacks.data.trigger_presets import LOCAL_PATTERNS


@registry.attack('distributed_backdoor', paper='Xie et al., ICLR 2020 (DBA)')
def distributed_backdoor(
  *,
  patterns: Union[str, Sequence[TriggerSpec]] = 'dba_mnist',
  target_label: int = 2,
  source_label: Optional[int] = None,
  victim_label: Optional[int] = None,
  num_poisoned: Optional[int] = None,
  poison_fraction: Optional[float] = None,
  num_classes: Optional[int] = None,
  input_shape: Optional[tuple[int, ...]] = None,
) -> Attack:
  """Splits a trigger among the attackers; success is measured on all of it.

  The malicious client of rank r stamps local pattern r mod p of p on the chosen
  rows of its batches and labels them as the target. With fewer than p attackers
  only the patterns in use are trained; the test images carry the union still.

  Args:
    patterns: dba_mnist or dba_cifar (four strips each), or a list of at least
      two triggers, each given as for badnets.
    target_label: the class that the trigger stands for.
    source_label: the only class that is poisoned; None: all.
    victim_label: the class whose test images success is measured on, where
      attackers poison what they hold (Wu et al.: 9); None: source_label.
    num_poisoned: poisoned rows a batch (DBA: 20 of 64 on digits, 5 of 64 on
      CIFAR), all eligible ones if there are fewer.
    poison_fraction: or their share of the eligible rows; 1/8 where neither is
      given.
    num_classes: classes of the data set, to check the labels against.
    input_shape: of one example, to check the patterns against.

  Returns:
    The attack, with the hooks `poison` and `victims`.

  Raises:
    ValueError: as for badnets; an unknown name; fewer than two patterns, or two
      that overlap.

  References:
    Xie et al., "DBA: distributed backdoor attacks against federated learning",
    ICLR 2020, equation 2 and section 4.1.
  """
  check_labels('distributed_backdoor', source_label, target_label, num_classes)
  check_labels(
    'distributed_backdoor',
    victim_label,
    target_label,
    num_classes,
    'victim_label',
  )
  parts = _local_triggers(patterns, input_shape)
  choose = choose_rows(source_label, num_poisoned, poison_fraction)

  def poison(
    x: tf.Tensor, y: tf.Tensor, context: AttackContext
  ) -> tuple[tf.Tensor, tf.Tensor]:
    dense = [part.dense(x.shape[1:]) for part in parts]
    own = context.client_rank % len(parts)
    mask = tf.gather(np.stack([mask for mask, _ in dense]), own)
    values = tf.gather(np.stack([values for _, values in dense]), own)
    chosen = choose(y)
    x = replace_rows(chosen, tf.where(mask, values, x), x)
    return x, tf.where(chosen, target_label, y)

  stamp = union(parts).stamp
  if victim_label is None:
    victim_label = source_label
  victims = stamped_victims(stamp, victim_label, target_label)
  return Attack(
    'distributed_backdoor',
    poison=poison,
    victims=victims,
    source_labels=only_source(source_label),
  )


def _local_triggers(
  patterns: Union[str, Sequence[TriggerSpec]],
  input_shape: Optional[tuple[int, ...]],
) -> list[Trigger]:
  if isinstance(patterns, str):
    if patterns not in LOCAL_PATTERNS:
      raise ValueError(
        registry.unknown_name('set of local patterns', patterns, LOCAL_PATTERNS)
      )
    patterns = LOCAL_PATTERNS[patterns]
  if len(patterns) < 2:
    raise ValueError(
      'distributed_backdoor needs at least two local patterns; got '
      f'{len(patterns)}. For one trigger use badnets.'
    )
  parts = [build_trigger(pattern, input_shape) for pattern in patterns]
  places = [index for part in parts for index, _ in part.entries]
  if len(set(places)) < len(places):
    twice = next(place for place in places if places.count(place) > 1)
    raise ValueError(
      'The local patterns of a distributed_backdoor must not overlap; '
      f'{twice} is in two of them.'
    )
  return parts
