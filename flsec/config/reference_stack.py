"""Turns a configuration of FLAP's reference stack into one of flsec.

The schema is that of FLAP's released code and of fl-analysis, which it is built
on: sections `environment`, `server`, `client`, `dataset`, or fl-analysis' first
one with all keys at the top. What would become another experiment is refused;
what is left out, or means something else there, is listed.
"""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, Optional

from flsec.config import loading, reference_flat
from flsec.config.errors import ConfigError, found
from flsec.config.reference_attack import attack_of
from flsec.config.reference_clients import clients_of
from flsec.config.reference_models import is_of_flap, model_of
from flsec.config.reference_server import server_of, validation_of
from flsec.config.tracked_mapping import TrackedMapping

_SECTIONS = ('environment', 'server', 'client', 'dataset')
# What has no default there.
_REQUIRED = (
  'environment.num_clients',
  'environment.num_selected_clients',
  'environment.num_malicious_clients',
  'server.num_rounds',
  'server.aggregator.name',
  'server.global_learning_rate',
  'client.model_name',
  'client.benign_training.num_epochs',
  'client.benign_training.batch_size',
  'client.benign_training.learning_rate',
  'dataset.dataset',
  'dataset.data_distribution',
)
_DATASETS = {
  'mnist': 'mnist',
  'fmnist': 'fashion_mnist',
  'femnist': 'femnist',
  'cifar10': 'cifar10',
}
_REFUSED = {
  'environment.ignore_malicious_update': 'no defence knows who is malicious',
  'server.federated_dropout': 'there is no federated dropout',
  'server.gaussian_noise': 'there is no noise on the server',
  'client.quantization': 'updates are not quantised',
  'client.disable_bn': 'choose a model without batch normalisation',
}
_SAVING = 'metrics, checkpoints and the report are written in every run'
_DROPPED = {
  'environment.print_batch_text': 'there are no character models',
  'environment.print_backdoor_eval': _SAVING,
  'environment.save_updates': _SAVING,
  'environment.save_norms': _SAVING,
  'environment.save_weight_distributions': _SAVING,
  'environment.save_history': _SAVING,
  'environment.save_model_at': _SAVING,
  'environment.save_weight_outside_bound': _SAVING,
  'environment.use_config_dir': 'use --output_dir',
  'environment.workers': 'see runtime.threads',
  'environment.limit_tf_gpu_mem_mb': 'see runtime.memory_growth',
  'environment.pretrain': 'the code sets it itself',
  'environment.attacker_full_dataset': 'attackers train on their own examples',
  'server.intrinsic_dimension': 'there are no subspace models',
  'client.gaussian_noise': 'the reference code never uses it',
  'client.num_params': 'the reference code ignores it too',
  'client.model_weight_regularization': 'losses are not regularised',
  'client.debug_client_training': 'log with --verbosity=1',
  'client.benign_training.regularization_rate': 'the code never uses it',
  'dataset.normalize_mnist_data': 'images are scaled to [0, 1]',
  'hyperparameters': 'TensorBoard shows the resolved configuration',
  'job': 'the reference code ignores it too',
  'crypto': 'the reference code ignores it too',
}
# A value with which a dropped key changes nothing.
_HARMLESS = {'server.intrinsic_dimension': 1000}


@dataclasses.dataclass(frozen=True)
class Conversion:
  """A converted configuration.

  Attributes:
    config: as the YAML of flsec holds it.
    notes: what was not carried over, and what means something else there.
  """

  config: dict[str, Any]
  notes: tuple[str, ...]


def convert(raw: Any) -> Conversion:
  """Converts what a file in one of the reference stack's schemas holds.

  Raises:
    ConfigError: it is in neither, or flsec lacks what makes the experiment what
      it is; all that it lacks is named.
  """
  source = _opened(raw)
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
    'model': model_of(source, source.get('dataset.dataset', str, '')),
    'clients': clients_of(source, num_clients, num_selected, attack),
    'attack': attack,
    'server': server_of(source, num_clients, num_selected),
    'pruning': _pruning(source),
    'start_from': _start(source),
    'evaluation': {'every': source.get('environment.print_every', int, 1)},
  }
  config = {key: value for key, value in config.items() if value is not None}
  for path, why in _REFUSED.items():
    if source.is_set(path):
      source.refuse(path, why)
  for path, why in _DROPPED.items():
    source.drop(path, why, _HARMLESS.get(path))
  _check(source, config)
  notes = source.notes
  notes += [f'{path}: has no counterpart' for path in source.unread()]
  return Conversion(config, tuple(notes))


def _opened(raw: Any) -> TrackedMapping:
  if not isinstance(raw, Mapping):
    raise _foreign(f'found {found(raw)}')
  if reference_flat.is_flat(raw):
    return TrackedMapping(*reference_flat.nested(raw))
  missing = [
    name for name in _SECTIONS if not isinstance(raw.get(name), Mapping)
  ]
  if missing:
    raise _foreign(f'found no section {", ".join(missing)}')
  return TrackedMapping(raw)


def _foreign(what: str) -> ConfigError:
  return ConfigError(
    '',
    'is no configuration of the reference code: it has sections '
    f'{", ".join(_SECTIONS)}, or num_clients and the like at the top; {what}.',
  )


def _check(source: TrackedMapping, config: Mapping[str, Any]) -> None:
  """Refuses what lacks a value, has no counterpart or contradicts itself."""
  for path in _REQUIRED:
    if not source.has(path):
      source.refuse(path, 'is missing')
  if not source.refusals:
    try:
      loading.from_mapping(config)
    except ConfigError as error:
      source.refusals.append(f'flsec refuses the result: {error}')
  if source.refusals:
    raise ConfigError(
      '',
      'would be another experiment in flsec:\n  '
      + '\n  '.join(source.refusals)
      + '\nChange what is named, or take it out, if you want that instead.',
    )


def _name(source: TrackedMapping) -> str:
  name = source.get('environment.experiment_name', str, 'converted')
  return re.sub(r'[^A-Za-z0-9._+-]+', '_', name).strip('._') or 'converted'


def _dataset(source: TrackedMapping) -> dict[str, Any]:
  path = 'dataset.dataset'
  name = source.get(path, str, '')
  if name not in _DATASETS:
    source.refuse(
      path, f'{name!r} has no counterpart; there are {", ".join(_DATASETS)}'
    )
  if name == 'cifar10':
    source.note(
      path,
      "fl-analysis subtracts the training images' mean (FLAP's code does not); "
      'here images are in [0, 1]',
    )
  dataset: dict[str, Any] = {'name': _DATASETS.get(name, name)}
  distribution = source.get('dataset.data_distribution', str, '')
  if distribution == 'IID':
    dataset['partition'] = 'iid'
  elif name == 'fmnist':
    source.refuse(
      'dataset.data_distribution',
      f'{distribution!r}: the reference code runs with fmnist as IID alone',
    )
  elif name == 'femnist':
    dataset['partition'] = 'by_writer'
  else:
    # The reference code fixes alpha, and takes any other word for Dirichlet.
    dataset['partition'] = {'name': 'dirichlet', 'alpha': 0.9, 'by': 'class'}
  num_train = source.get('dataset.number_of_samples', int, -1)
  if num_train > 0:
    dataset['num_train'] = num_train
  validation = validation_of(source)
  if validation:
    dataset['validation'] = validation
  return dataset


def _start(source: TrackedMapping) -> Optional[str]:
  path = 'environment.load_model'
  name = source.get(path, str)
  if name is None:
    return None
  if is_of_flap(source):
    source.note(
      path,
      f"{name!r} begins the name of a model that an earlier run of FLAP's code "
      'left, or nothing; the result starts from scratch (see start_from)',
    )
    return None
  source.note(
    path,
    'its path counts from where you run flsec, which takes the weights of a '
    'network with branches only where its layers have the names of flsec',
  )
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
