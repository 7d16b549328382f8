"""Turns a configuration of FLAP's reference stack into one of flsec.

The schema is that of FLAP's released code and of fl-analysis, which it is built
on: sections `environment`, `server`, `client`, `dataset`. Nothing is refused;
whatever has no counterpart, or means something else there, is listed.
"""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, Optional

from flsec.config import loading
from flsec.config.errors import ConfigError
from flsec.config.reference_attack import attack_of
from flsec.config.tracked_mapping import TrackedMapping

_DATASETS = {
  'mnist': 'mnist',
  'fmnist': 'fashion_mnist',
  'femnist': 'femnist',
  'cifar10': 'cifar10',
}
_MODELS = {
  'lenet5_mnist': {'name': 'lenet5', 'padding': 'valid'},
  'lenet5_cifar': {'name': 'lenet5', 'padding': 'valid'},
  'fc_mnist': {'name': 'mlp', 'hidden': [500, 150]},
  'resnet18': {'name': 'resnet20'},
  'resnet18_mnist': {'name': 'resnet20'},
}
_SAVING = 'metrics, checkpoints and the report are written in every run'
_DROPPED = {
  'environment.load_model': 'start from scratch, or resume a run of flsec',
  'environment.print_batch_text': 'there are no character models',
  'environment.print_backdoor_eval': _SAVING,
  'environment.save_updates': _SAVING,
  'environment.save_norms': _SAVING,
  'environment.save_weight_distributions': _SAVING,
  'environment.save_history': _SAVING,
  'environment.save_model_at': _SAVING,
  'environment.save_weight_outside_bound': _SAVING,
  'environment.use_config_dir': 'use --output_dir',
  'environment.limit_tf_gpu_mem_mb': 'see runtime.memory_growth',
  'environment.pretrain': 'the code sets it itself',
  'environment.ignore_malicious_update': 'an oracle is no defence',
  'environment.attacker_full_dataset': 'attackers train on their own examples',
  'server.federated_dropout': 'there is no federated dropout',
  'server.gaussian_noise': 'there is no noise on the server',
  'server.intrinsic_dimension': 'there are no subspace models',
  'client.quantization': 'updates are not quantised',
  'client.gaussian_noise': 'the reference code never uses it',
  'client.clip': 'see `flsec list preaggregators` for clipping on the server',
  'client.model_weight_regularization': 'losses are not regularised',
  'client.debug_client_training': 'log with --verbosity=1',
  'client.disable_bn': 'choose a model without batch normalisation',
  'client.benign_training.regularization_rate': 'the code never uses it',
  'dataset.augment_data': 'images are not augmented',
  'dataset.normalize_mnist_data': 'images are scaled to [0, 1]',
  'hyperparameters': 'TensorBoard shows the resolved configuration',
  'job': 'the reference code ignores it too',
  'crypto': 'the reference code ignores it too',
}
# Values with which a dropped key changes nothing.
_HARMLESS = {
  'server.gaussian_noise': 0.0,
  'server.intrinsic_dimension': 1000,
  'environment.pretrain': 0,
  'environment.save_model_at': [],
}


@dataclasses.dataclass(frozen=True)
class Conversion:
  """A converted configuration.

  Attributes:
    config: as the YAML of flsec holds it.
    notes: what was not carried over, and what means something else there.
  """

  config: dict[str, Any]
  notes: tuple[str, ...]


def convert(raw: Mapping[str, Any]) -> Conversion:
  """Converts a plain mapping in the reference stack's schema."""
  source = TrackedMapping(raw)
  num_clients = source.get('environment.num_clients', int, 1)
  num_selected = source.get(
    'environment.num_selected_clients', int, num_clients
  )
  attack = attack_of(source)
  config = {
    'name': _name(source),
    'seed': source.get('environment.seed', int, 0),
    'rounds': source.get('server.num_rounds', int, 1),
    'dataset': _dataset(source),
    'model': _model(source),
    'clients': _clients(source, num_clients, num_selected, attack),
    'attack': attack,
    'server': _server(source, num_clients, num_selected),
    'pruning': _pruning(source),
    'evaluation': {'every': source.get('environment.print_every', int, 1)},
  }
  config = {key: value for key, value in config.items() if value is not None}
  for path, why in _DROPPED.items():
    if source.get(path, object, False) is not False:
      source.drop(path, why, _HARMLESS.get(path))
  notes = source.notes
  notes += [f'{path}: has no counterpart' for path in source.unread()]
  try:
    loading.from_mapping(config)
  except ConfigError as error:
    notes.append(f'to be corrected by hand before it runs: {error}')
  return Conversion(config, tuple(notes))


def _name(source: TrackedMapping) -> str:
  name = source.get('environment.experiment_name', str, 'converted')
  return re.sub(r'[^A-Za-z0-9._+-]+', '_', name).strip('._') or 'converted'


def _dataset(source: TrackedMapping) -> dict[str, Any]:
  name = source.get('dataset.dataset', str, 'mnist')
  if name not in _DATASETS:
    source.note('dataset.dataset', f'{name!r} has no counterpart')
  dataset: dict[str, Any] = {'name': _DATASETS.get(name, name)}
  distribution = source.get('dataset.data_distribution', str, 'IID')
  if distribution == 'IID':
    dataset['partition'] = 'iid'
  elif name == 'femnist':
    dataset['partition'] = 'by_writer'
  else:
    # The reference code fixes alpha, and takes any other word for Dirichlet.
    dataset['partition'] = {'name': 'dirichlet', 'alpha': 0.9, 'by': 'class'}
  num_train = source.get('dataset.number_of_samples', int, -1)
  if num_train > 0:
    dataset['num_train'] = num_train
  return dataset


def _model(source: TrackedMapping) -> Any:
  name = source.get('client.model_name', str, 'lenet5_mnist')
  if name not in _MODELS:
    source.note('client.model_name', f'{name!r} has no known counterpart')
  return _MODELS.get(name, name)


def _clients(
  source: TrackedMapping,
  num_clients: int,
  num_selected: int,
  attack: Optional[Mapping[str, Any]],
) -> dict[str, Any]:
  clients: dict[str, Any] = {
    'num_clients': num_clients,
    'epochs': source.get('client.benign_training.num_epochs', int, 1),
    'batch_size': source.get('client.benign_training.batch_size', int, 32),
    'optimizer': _optimizer(source),
  }
  if num_selected < num_clients:
    clients.update(num_selected=num_selected, selection='uniform')
  frequency = source.get('environment.attack_frequency', float)
  malicious = source.get('environment.num_selected_malicious_clients', int)
  if frequency and attack:
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


def _server(
  source: TrackedMapping, num_clients: int, num_selected: int
) -> dict[str, Any]:
  server: dict[str, Any] = {'aggregator': _aggregator(source, num_selected)}
  rate = source.get('server.global_learning_rate', float, -1.0)
  if rate >= 0:
    # There the rate is divided by all clients, not by those that take part.
    rate = rate * num_selected / num_clients
    server['learning_rate'] = rate
    source.note(
      'server.global_learning_rate',
      f'its step is rate / num_clients times the sum of the updates, so '
      f'server.learning_rate is {rate:g}',
    )
  if source.get('server.num_test_batches', int, -1) != -1:
    source.note(
      'server.num_test_batches', 'flsec evaluates on the whole test set'
    )
  return server


def _aggregator(source: TrackedMapping, num_selected: int) -> Any:
  path = 'server.aggregator'
  name = source.get(f'{path}.name', str, 'FedAvg')
  reject = source.get('environment.reject', str)
  if reject in ('ERR', 'LFR', 'UNION'):
    source.note(
      'environment.reject',
      f'{reject} stands before the rule there (and scores a stale model); '
      'choose such a rule from `flsec list aggregators`, and give the server '
      'a dataset.validation',
    )
  if name == 'FedAvg':
    return {'name': 'mean', 'weighted': False}
  if name == 'Median':
    source.note(path, 'the reference code takes the lower of two middle values')
    return 'median'
  if name == 'TrimmedMean':
    share = source.get(f'{path}.args.beta', float, 0.1)
    return {'name': 'trimmed_mean', 'trim_fraction': share}
  if name == 'Krum':
    share = source.get(f'{path}.args.byz', float, 0.1)
    source.note(
      path,
      'its Krum is a Multi-Krum that sums un-squared distances layer by layer '
      'and shrinks the step; flsec has the published rule '
      '(`replication: flap` has theirs)',
    )
    return {'name': 'multi_krum', 'num_byzantine': int(share * num_selected)}
  source.note(path, f'{name!r} has no known counterpart')
  return name


def _pruning(source: TrackedMapping) -> Optional[dict[str, Any]]:
  """Converts FLAP's switches; the schedule is 1 / prune_frequency."""
  is_on = source.get('environment.paoding', bool, False)
  frequency = source.get('environment.prune_frequency', float, 0.2)
  with_filters = source.get('environment.pruneconv', bool, False)
  if not is_on:
    return None
  every = max(1, int(1 / frequency)) if frequency > 0 else 5
  source.note(
    'environment.paoding',
    'the reference code never gives the pruned model back; flsec broadcasts '
    'it. The paper prunes by impact from round 1 on (criterion: impact, '
    'start_round: 1)',
  )
  return {
    'name': 'flap',
    'fraction': 0.01,
    'criterion': 'saliency',
    'layers': ['conv', 'dense'] if with_filters else ['dense'],
    'start_round': every,
    'every': every,
  }
