"""Refuses experiments that cannot mean anything, before any data is read.

`validate` looks at numbers alone and imports no TensorFlow. What only a built
rule or attack can tell is in `flsec.experiment.preflight`.
"""

import dataclasses
import math
import re
from typing import Any, Optional

from flsec.config import attack_checks, server_checks
from flsec.config.errors import ConfigError, found, join
from flsec.config.schema import (
  AttackConfig,
  ClientsConfig,
  Component,
  DatasetConfig,
  Experiment,
  OptimizerConfig,
  RuntimeConfig,
)

_NAME = re.compile(r'[A-Za-z0-9][A-Za-z0-9._+-]{0,159}\Z')
_ADDRESS = re.compile(r'[^\s:/]+:\d{1,5}\Z')
_FIXED_NUMBER = ('fixed_malicious', 'attack_frequency')


def validate(experiment: Experiment) -> None:
  """Checks every range and every combination of an experiment.

  Raises:
    ConfigError: names the YAML path, what was found, what is allowed and the
      way out.
  """
  _check_ranges(experiment, '')
  if not _NAME.match(experiment.name):
    raise ConfigError(
      'name',
      'names the run directory, so it starts with a letter or digit and holds '
      'letters, digits, `.`, `_`, `+` and `-` only, at most 160; found '
      f'{found(experiment.name)}.',
    )
  _check_dataset(experiment.dataset, experiment.clients.num_clients)
  _check_optimizer(experiment.clients.optimizer)
  attack_checks.check_attack(experiment.attack, experiment.clients)
  _check_selection(experiment.clients, experiment.attack)
  _check_statistics(experiment)
  server_checks.check_server(experiment)
  _check_runtime(experiment.runtime)


def _check_ranges(section: Any, path: str) -> None:
  """Checks the numbers of a section against the ranges in the schema."""
  for field in dataclasses.fields(section):
    value = getattr(section, field.name)
    here = join(path, field.name)
    if dataclasses.is_dataclass(value) and not isinstance(value, Component):
      _check_ranges(value, here)
    elif isinstance(value, tuple):
      for index, item in enumerate(value):
        _check_range(item, field.metadata, join(here, index))
    else:
      _check_range(value, field.metadata, here)


def _check_range(value: Any, bounds: Any, path: str) -> None:
  if isinstance(value, bool) or not isinstance(value, (int, float)):
    return
  if not math.isfinite(value):
    raise ConfigError(path, f'must be a finite number; found {value}.')
  for words, holds in (
    ('minimum', lambda bound: value >= bound),
    ('above', lambda bound: value > bound),
    ('maximum', lambda bound: value <= bound),
    ('below', lambda bound: value < bound),
  ):
    if words in bounds and not holds(bounds[words]):
      raise ConfigError(
        path, f'must be {range_in_words(bounds)}; found {value}.'
      )


def range_in_words(bounds: Any) -> str:
  """Says what a field's metadata allows, e.g. `at least 0 and below 1`."""
  phrases = {
    'minimum': 'at least',
    'above': 'above',
    'maximum': 'at most',
    'below': 'below',
  }
  return ' and '.join(
    f'{phrase} {bounds[key]}'
    for key, phrase in phrases.items()
    if key in bounds
  )


def _check_dataset(dataset: DatasetConfig, num_clients: int) -> None:
  for name in ('root', 'validation'):
    server_set = getattr(dataset, name)
    if server_set is None:
      continue
    here = f'dataset.{name}'
    if server_set.size < 1:
      raise ConfigError(
        f'{here}.size', f'must be at least 1; found {server_set.size}.'
      )
    if server_set.source not in ('train', 'test'):
      raise ConfigError(
        f'{here}.source',
        f'expected one of train, test; found {found(server_set.source)}.',
      )
  if dataset.num_train is not None and dataset.num_train < num_clients:
    raise ConfigError(
      'dataset.num_train',
      f'leaves clients without an example: {dataset.num_train} for '
      f'{num_clients} clients. Raise it, or lower clients.num_clients.',
    )


def _check_optimizer(optimizer: OptimizerConfig) -> None:
  if optimizer.name == 'adam' and optimizer.momentum:
    raise ConfigError(
      'clients.optimizer.momentum',
      f'belongs to sgd; found {optimizer.momentum} with adam. Set beta_1, or '
      'leave it out.',
    )


def _check_statistics(experiment: Experiment) -> None:
  """Checks that nobody reads moving statistics that no client moves."""
  here = 'clients.moving_statistics'
  if experiment.clients.moving_statistics == 'shared':
    return
  if not experiment.evaluation.batch_statistics:
    raise ConfigError(
      here,
      'is dropped, but tests would normalise by them. Say '
      'evaluation.batch_statistics: true, or leave it out.',
    )
  readers = {
    'dataset.root': experiment.dataset.root,
    'dataset.validation': experiment.dataset.validation,
    'pruning': experiment.pruning,
    'phases': any(one.name != 'train' for one in experiment.phases),
  }
  for path, is_there in readers.items():
    if is_there:
      raise ConfigError(
        here, f'is dropped, but {path} reads them. Leave one out.'
      )


def _check_selection(
  clients: ClientsConfig, attack: Optional[AttackConfig]
) -> None:
  selected, everyone = clients.num_selected, clients.num_clients
  if clients.selection == 'all':
    if selected not in (None, everyone):
      raise ConfigError(
        'clients.num_selected',
        f'is {selected}, but clients.selection: all takes all {everyone}. Say '
        'selection: uniform, or leave num_selected out.',
      )
  elif selected is None:
    raise ConfigError(
      'clients.num_selected',
      f'is missing; clients.selection: {clients.selection} needs it (1 to '
      f'{everyone}).',
    )
  elif selected > everyone:
    raise ConfigError(
      'clients.num_selected',
      f'must be at most clients.num_clients, which is {everyone}; found '
      f'{selected}.',
    )
  for name, kinds in (
    ('num_malicious_selected', _FIXED_NUMBER),
    ('attack_frequency', ('attack_frequency',)),
  ):
    if getattr(clients, name) is not None and clients.selection not in kinds:
      raise ConfigError(
        f'clients.{name}',
        f'only means something with clients.selection: {" or ".join(kinds)}; '
        f'found selection: {clients.selection}. Leave it out or change that.',
      )
  if clients.selection in _FIXED_NUMBER:
    _check_fixed_number(clients, attack, selected)


def _check_fixed_number(
  clients: ClientsConfig, attack: Optional[AttackConfig], selected: int
) -> None:
  """Checks a selection that says how many malicious clients take part."""
  if attack is None or not attack.num_byzantine:
    raise ConfigError(
      'clients.selection',
      f'{clients.selection} chooses malicious clients, but the experiment has '
      'none. Add an attack, or say selection: uniform.',
    )
  if clients.selection == 'attack_frequency' and (
    clients.attack_frequency is None
  ):
    raise ConfigError(
      'clients.attack_frequency',
      'is missing; clients.selection: attack_frequency needs it.',
    )
  malicious = clients.num_malicious_selected or attack.num_byzantine
  most = min(attack.num_byzantine, selected)
  if malicious > most:
    raise ConfigError(
      'clients.num_malicious_selected',
      f'must be at most {most} (attack.num_byzantine is '
      f'{attack.num_byzantine}, clients.num_selected {selected}); found '
      f'{malicious}.',
    )
  honest = clients.num_clients - attack.num_byzantine
  # Rounds that are not attacked take honest clients only.
  needed = selected - (
    malicious if clients.selection == 'fixed_malicious' else 0
  )
  if needed > honest:
    raise ConfigError(
      'clients.num_selected',
      f'needs {needed} honest clients in a round, but there are {honest} '
      f'({clients.num_clients} clients, {attack.num_byzantine} malicious). '
      f'Lower it by {needed - honest} or raise clients.num_clients.',
    )


def _check_runtime(runtime: RuntimeConfig) -> None:
  is_remote = runtime.context == 'tff_remote'
  if is_remote != bool(runtime.workers):
    raise ConfigError(
      'runtime.workers',
      'context: tff_remote needs at least one `host:port`, and no other one '
      f'takes any; found context: {runtime.context} with '
      f'{len(runtime.workers)} workers.',
    )
  for index, worker in enumerate(runtime.workers):
    if not _ADDRESS.match(worker):
      raise ConfigError(
        f'runtime.workers.{index}',
        f'expected `host:port`; found {found(worker)}.',
      )
  if runtime.context != 'in_process' and runtime.device in ('gpu', 'tpu'):
    raise ConfigError(
      'runtime.device',
      f"{runtime.device} needs runtime.context: in_process, since TFF's own "
      f'workers compute on the CPU; found context: {runtime.context}.',
    )
