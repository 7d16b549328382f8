"""Converts the attackers' own training of a reference-stack configuration."""

from typing import Any, Optional

from flsec.config.tracked_mapping import ANYTHING, TrackedMapping

_ARGS = 'client.malicious.objective.args'
_BENIGN = 'client.benign_training'
_LEFT_OUT = {
  'reduce_lr': 'the rate does not fall with the success of the attack',
  'step_decay': 'the rate does not fall within a round',
  'noise_level': 'attackers add no noise to their examples',
  'attacker_full_dataset': 'the reference code ignores it here',
  'num_epochs_max': 'attackers train for a fixed time',
  'target_loss': 'attackers train for a fixed time',
  'decay_steps': 'the rate does not fall within a round',
  'decay_rate': 'the rate does not fall within a round',
}
# What attackers train by there where their own rate is missing.
_UNRATED = {'learning_rate': 0.001, 'optimizer': 'adam'}


def training_of(
  source: TrackedMapping, *, is_targeted: bool, has_source: bool
) -> dict[str, Any]:
  """Returns `attack.training`; empty where attackers train as all do.

  Args:
    source: the configuration.
    is_targeted: whether batches are made of poisoned and other examples, so
      many in a pass; otherwise a pass is over all of an attacker's examples.
    has_source: whether the attack changes the examples of one class alone, so
      that a batch can be told how many of them it has.
  """
  training = _duration(source, is_targeted)
  rate = source.get(f'{_ARGS}.learning_rate', float)
  if rate is not None and rate > 0:
    training['learning_rate'] = rate
  _optimizer(source, training)
  poisoned = source.get(f'{_ARGS}.poison_samples', int)
  size = source.get(f'{_BENIGN}.batch_size', int, 32)
  if has_source and poisoned is not None:
    if 0 < poisoned <= size:
      training['num_poisoned'] = poisoned
    else:
      source.note(
        f'{_ARGS}.poison_samples',
        f'{poisoned} of a batch of {size}: batches are as they come',
      )
  for key, why in _LEFT_OUT.items():
    source.drop(f'{_ARGS}.{key}', why)
  return training


def _duration(source: TrackedMapping, is_targeted: bool) -> dict[str, Any]:
  """Returns the steps of all passes, or passes over an attacker's examples.

  A pass of so many batches draws on the attacker's examples as often as it has
  to; one that ends with them would be shorter wherever they are few.
  """
  epochs = _count(source, 'num_epochs')
  batches = _count(source, 'num_batch')
  if batches is not None and not is_targeted:
    source.note(
      f'{_ARGS}.num_batch',
      "an untargeted attack passes over all of an attacker's examples",
    )
    batches = None
  if batches is not None:
    epochs = epochs or source.get(f'{_BENIGN}.num_epochs', int, 1)
    return {'steps': epochs * batches}
  return {} if epochs is None else {'epochs': epochs}


def _count(source: TrackedMapping, key: str) -> Optional[int]:
  value = source.get(f'{_ARGS}.{key}', ANYTHING)
  if isinstance(value, int) and not isinstance(value, bool) and value > 0:
    return value
  if value is not None:
    source.note(f'{_ARGS}.{key}', f'{value!r} is no positive count: left out')
  return None


def _optimizer(source: TrackedMapping, training: dict[str, Any]) -> None:
  """Names the attackers' optimizer, whose moments begin anew in each round.

  Where attackers have one of their own, as in sections, its SGD has no
  momentum; in the flat schema they train by that of all, with its momentum.
  """
  path = f'{_ARGS}.optimizer'
  own = source.get(path, str)
  honest = source.get(f'{_BENIGN}.optimizer', str, 'Adam')
  name = own or (honest if training else '')
  if name not in ('', 'Adam', 'SGD'):
    source.note(path, f'{name!r} has no counterpart: left out')
  elif own and 'learning_rate' not in training:
    training.update(_UNRATED)
    source.note(
      path, 'without learning_rate attackers train by Adam at 0.001 there'
    )
  elif name == 'Adam' and 'learning_rate' in training:
    training['optimizer'] = 'adam'
  elif own == 'SGD':
    training['optimizer'] = 'sgd'
  elif name == 'SGD' and source.get('client.optimized_training', bool, True):
    source.note(
      f'{_BENIGN}.optimizer',
      "attackers' momentum lives on from round to round, as that of all does; "
      'there it begins anew in each',
    )
