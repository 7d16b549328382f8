"""BadNets: a trigger on some examples of each batch, labelled as the target."""

from typing import Optional

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
from flsec.attacks.data.trigger import TriggerSpec, build_trigger


@registry.attack('badnets', paper='Gu et al., 2017')
def badnets(
  *,
  trigger: TriggerSpec = 'feder_mnist',
  target_label: int = 0,
  source_label: Optional[int] = None,
  victim_label: Optional[int] = None,
  num_poisoned: Optional[int] = None,
  poison_fraction: Optional[float] = None,
  num_classes: Optional[int] = None,
  input_shape: Optional[tuple[int, ...]] = None,
) -> Attack:
  """Stamps a trigger on some examples of each batch, labels them as the target.

  x' = x with the trigger's entries overwritten, y' = target_label, for the
  chosen rows; the others stay clean. Success is measured on test images with
  the trigger whose class is not the target, or, with a source_label (a
  victim-class backdoor), on those of that class alone. Such a backdoor takes
  clean images, too: poison_fraction 0.5 stamps half of the class in each batch,
  so that over epochs every image is taught clean and stamped. A share of 1
  teaches that the class is the target, trigger or not: what is called success
  is then as high without the trigger (`attack/clean_error_rate`).

  Args:
    trigger: a preset's name (feder_mnist, feder_cifar, federated_pruning_1, _3,
      _5, _7, _9, agramplifier, agramplifier_image, dba_mnist, dba_cifar,
      fl_analysis, flpoison) or a description: one of `pixels`, `patch`,
      `features`, `file`, with `position` and `value` in model input units (see
      `flsec.attacks.data.trigger.build_trigger`).
    target_label: the class that the trigger stands for.
    source_label: the only class that is poisoned; None: all classes.
    victim_label: the class whose test images success is measured on; None:
      source_label.
    num_poisoned: poisoned rows a batch, all eligible ones if there are fewer.
    poison_fraction: or their share of the eligible rows; 1/8 where neither is
      given, FedER's 4 of 32 and 8 of 64.
    num_classes: classes of the data set, to check the labels against.
    input_shape: of one example, to check the trigger against.

  Returns:
    The attack, with the hooks `poison` and `victims`.

  Raises:
    ValueError: a label outside the data set, target = source, a count or share
      out of bounds, or a trigger that does not fit the examples.

  References:
    Gu et al., "BadNets", 2017, section 3. Victim class: Wu et al., "Mitigating
    backdoor attacks in federated learning", 2020, section V-E.
  """
  check_labels('badnets', source_label, target_label, num_classes)
  check_labels(
    'badnets', victim_label, target_label, num_classes, 'victim_label'
  )
  pattern = build_trigger(trigger, input_shape)
  choose = choose_rows(source_label, num_poisoned, poison_fraction)

  def poison(
    x: tf.Tensor, y: tf.Tensor, context: AttackContext
  ) -> tuple[tf.Tensor, tf.Tensor]:
    del context
    chosen = choose(y)
    x = replace_rows(chosen, pattern.stamp(x), x)
    return x, tf.where(chosen, target_label, y)

  if victim_label is None:
    victim_label = source_label
  victims = stamped_victims(pattern.stamp, victim_label, target_label)
  return Attack(
    'badnets',
    poison=poison,
    victims=victims,
    source_labels=only_source(source_label),
  )
