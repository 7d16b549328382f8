"""Converts the attackers' own training of a reference-stack configuration."""

from typing import Any

from flsec.config.tracked_mapping import ANYTHING, TrackedMapping

_ARGS = 'client.malicious.objective.args'
_BENIGN = 'client.benign_training'
_LEFT_OUT = {
  'reduce_lr': 'the rate does not fall with the success of the attack',
  'step_decay': 'the rate does not fall within a round',
  'noise_level': 'attackers add no noise to their examples',
  'num_epochs_max': 'attackers train for a fixed time',
  'target_loss': 'attackers train for a fixed time',
  'decay_steps': 'the rate does not fall within a round',
  'decay_rate': 'the rate does not fall within a round',
}


def training_of(source: TrackedMapping, *, has_source: bool) -> dict[str, Any]:
  """Returns `attack.training`; empty where attackers train as all do.

  Args:
    source: the configuration.
    has_source: whether the attack changes the examples of one class alone, so
      that a batch can be told how many of them it has.
  """
  training: dict[str, Any] = {}
  for key, name in (('num_epochs', 'epochs'), ('num_batch', 'batches')):
    value = source.get(f'{_ARGS}.{key}', ANYTHING)
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
      training[name] = value
    elif value is not None:
      source.note(
        f'{_ARGS}.{key}', f'{value!r} is no number of {name}: left out'
      )
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


def _optimizer(source: TrackedMapping, training: dict[str, Any]) -> None:
  """Names the attackers' optimizer, whose moments begin anew in each round."""
  path = f'{_ARGS}.optimizer'
  honest = source.get(f'{_BENIGN}.optimizer', str, 'Adam')
  name = source.get(path, str, honest if training else '')
  if name == 'Adam' and 'learning_rate' in training:
    training['optimizer'] = 'adam'
  elif name == 'SGD' and honest == 'Adam' and 'learning_rate' in training:
    training['optimizer'] = 'sgd'
    source.note(path, 'attackers train without the momentum of 0.9 there')
  elif name not in ('', honest):
    source.note(
      path, f'{name!r} is not carried over: it has no rate of its own'
    )
