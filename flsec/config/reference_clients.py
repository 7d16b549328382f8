"""Converts the clients of a reference-stack configuration."""

from collections.abc import Mapping
from typing import Any, Optional

from flsec.config.tracked_mapping import TrackedMapping


def clients_of(
  source: TrackedMapping,
  num_clients: int,
  num_selected: int,
  attack: Optional[Mapping[str, Any]],
) -> dict[str, Any]:
  """Returns the clients section.

  Args:
    source: the configuration.
    num_clients: clients of the federation.
    num_selected: clients of a round.
    attack: the converted attack section, if anybody attacks.
  """
  clients: dict[str, Any] = {
    'num_clients': num_clients,
    'epochs': source.get('client.benign_training.num_epochs', int, 1),
    'batch_size': source.get('client.benign_training.batch_size', int, 32),
    'optimizer': _optimizer(source),
  }
  augmentation = _augmentation(source)
  if augmentation:
    clients['augmentation'] = augmentation
  if num_selected < num_clients:
    clients.update(num_selected=num_selected, selection='uniform')
  frequency = source.get('environment.attack_frequency', float)
  malicious = source.get('environment.num_selected_malicious_clients', int)
  if frequency and attack:
    _check_malicious(source, malicious or attack['num_byzantine'], num_selected)
    clients.update(
      num_selected=num_selected,
      selection='attack_frequency',
      attack_frequency=min(frequency, 1.0),
    )
    if malicious:
      clients['num_malicious_selected'] = malicious
  elif malicious:
    source.note(
      'environment.num_selected_malicious_clients',
      'means nothing without attack_frequency',
    )
  source.note(
    'client.benign_training.batch_size',
    'the reference code drops a last short batch; flsec trains on it',
  )
  return clients


def _augmentation(source: TrackedMapping) -> Optional[dict[str, Any]]:
  path = 'dataset.augment_data'
  if not source.is_set(path):
    return None
  source.note(
    path,
    'there images move by up to a tenth of their side, in parts of a pixel, '
    'and their edges are drawn out; here by up to 3 pixels, into zeros',
  )
  path = 'client.malicious.backdoor.augment_data'
  if source.has(path) and not source.is_set(path):
    source.note(path, "there attackers' images stay as they are; here all move")
  return {'crop_padding': 3, 'flip': True}


def _check_malicious(
  source: TrackedMapping, num_malicious: int, num_selected: int
) -> None:
  path = 'environment.num_selected_malicious_clients'
  if num_malicious > num_selected:
    source.refuse(
      path,
      f'with attack_frequency and {num_malicious} malicious clients in a '
      'round, the reference code selects all of them and almost all others, '
      f'not {num_selected} clients. Say {source.name(path)}: at most that many',
    )


def _optimizer(source: TrackedMapping) -> dict[str, Any]:
  base = 'client.benign_training'
  name = source.get(f'{base}.optimizer', str, 'Adam')
  optimizer: dict[str, Any] = {
    'name': name.lower(),
    'learning_rate': source.get(f'{base}.learning_rate', float, 0.001),
    # Its clients keep one optimiser for good where training is compiled.
    'persistent': source.get('client.optimized_training', bool, True),
  }
  if name == 'SGD':
    optimizer['momentum'] = 0.9
  elif name != 'Adam':
    source.note(f'{base}.optimizer', f'{name!r} has no counterpart')
  if source.has(f'{base}.decay'):
    source.drop(
      f'{base}.decay',
      'its steps are batches; see clients.optimizer.decay_rounds',
    )
  return optimizer
