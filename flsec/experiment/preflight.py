"""Checks what only built components can tell, before any data is read.

Rules are tried with the numbers of the experiment, so that no table of legal
numbers has to be kept beside them.
"""

import dataclasses
from typing import Any, Optional

from flsec import registry
from flsec.aggregators.rule import Rule
from flsec.attacks.attack import Attack
from flsec.config import estimate
from flsec.config.errors import ConfigError
from flsec.config.schema import Component, Experiment
from flsec.defenses import order
from flsec.defenses.phase import Phase
from flsec.experiment import assembly, phase_assembly, starting
from flsec.federated.attack_training import AttackTraining
from flsec.loggers.logger import Logger
from flsec.pruning.pruner import Pruner

_BUILT = {
  'aggregator': Rule,
  'attack': Attack,
  'logger': Logger,
  'phase': Phase,
  'pruner': Pruner,
}
# Stands for the data set's number until the data are read: no label that an
# attack may sensibly name is above it.
_MANY_CLASSES = 2**16


def check_components(experiment: Experiment) -> None:
  """Builds the rule, the attack and the pruner, and checks that they fit.

  What depends on the shape of the data is checked when they are read.

  Raises:
    ConfigError: a component refuses its options, the rule is not defined for
      so few clients, or needs examples that the server does not have.
  """
  server = experiment.server
  facts = {
    'num_classes': _MANY_CLASSES,
    'num_clients': experiment.clients.num_clients,
  }
  # One by one first, so that an error names the one that is wrong.
  _build('aggregator', server.aggregator, facts, 'server.aggregator')
  for index, one in enumerate(server.preaggregators):
    _build('preaggregator', one, facts, f'server.preaggregators.{index}')
  rule = assembly.build_rule(server, facts)
  _check_enough_clients(experiment, rule, facts)
  _check_needs(experiment, rule)
  attack = experiment.attack
  if attack is not None:
    _build('attack', Component(attack.name, attack.options), facts, 'attack')
    for index, one in enumerate(attack.compose):
      _build('attack', one, facts, f'attack.compose.{index}')
    try:
      # Also those that the data finish: their options are known by now.
      built = assembly.build_attack(attack, facts)
    except (ValueError, TypeError) as error:
      raise ConfigError('attack', str(error)) from error
    _check_known_rows(experiment, built)
    _check_acts(experiment, built)
  if experiment.pruning is not None:
    _build('pruner', experiment.pruning, facts, 'pruning')
  _check_phases(experiment)
  for index, one in enumerate(experiment.runtime.loggers):
    _build('logger', one, {}, f'runtime.loggers.{index}')


def _build(
  kind: str, component: Component, facts: dict[str, Any], path: str
) -> None:
  options = registry.entry(kind, component.name).options
  if any(one.name == 'input_shape' for one in options):
    return  # Only the data tell it.
  try:
    built = registry.build_supplied(
      kind, component.name, component.options, facts
    )
  except (ValueError, TypeError) as error:
    raise ConfigError(path, str(error)) from error
  wanted = _BUILT.get(kind, object)
  if not isinstance(built, wanted):
    raise ConfigError(
      path,
      f'{kind} {component.name!r} is a {type(built).__name__}; its function '
      f'has to return a {wanted.__module__}.{wanted.__name__}.',
    )


def _check_phases(experiment: Experiment) -> None:
  for index, one in enumerate(experiment.phases):
    _build('phase', one, {}, f'phases.{index}')
  start = experiment.start_from
  has_mask = starting.check(start) if start else False
  try:
    order.check_order(
      phase_assembly.build_phases(experiment),
      is_trained=start is not None,
      has_mask=has_mask,
      has_validation=experiment.dataset.validation is not None,
    )
  except order.OrderError as error:
    path = f'phases.{error.index}' if experiment.phases else 'phases'
    raise ConfigError(path, str(error)) from error


def _check_known_rows(experiment: Experiment, attack: Attack) -> None:
  """Checks that a crafting attacker sees as many rows as its attack needs."""
  config = experiment.attack
  if attack.craft is None and config.space is not None:
    raise ConfigError(
      'attack.space',
      f'only means something for an attack that crafts updates; found '
      f'{config.space} with {config.name}. Leave it out.',
    )
  if attack.craft is None or not config.num_byzantine:
    return
  knowledge = config.knowledge or attack.default_knowledge
  own = estimate.num_byzantine_of_a_round(experiment)
  clients = estimate.clients_of_a_round(experiment)
  known = {'none': 1, 'partial': own, 'full': clients - own}
  if known[knowledge] < attack.minimum_known_rows:
    raise ConfigError(
      'attack.knowledge',
      f'{config.name} works from at least {attack.minimum_known_rows} rows; '
      f'with knowledge={knowledge} and num_byzantine={own} of '
      f'{clients} clients it sees {known[knowledge]}. Use '
      'knowledge: full, or more malicious clients with knowledge: partial.',
    )


def _check_acts(experiment: Experiment, attack: Attack) -> None:
  """Checks that the attack changes something, as far as its options tell."""
  config = experiment.attack
  if config.placement == 'holders' and not attack.source_labels:
    raise ConfigError(
      'attack.placement',
      f'holders are those of the class that the attack changes, but '
      f'{config.name} changes any. Give its source_label, or say placement: '
      'sampled.',
    )
  if config.training is not None:
    try:
      AttackTraining.of(
        config.training, experiment.clients, attack.source_labels
      )
    except ValueError as error:
      raise ConfigError('attack.training.num_poisoned', str(error)) from error
  own = estimate.num_byzantine_of_a_round(experiment)
  if own and attack.idle:
    reason = attack.idle(estimate.clients_of_a_round(experiment), own)
    if reason:
      raise ConfigError(
        'attack', f'{attack.name} would change nothing: {reason}.'
      )


def _check_needs(experiment: Experiment, rule: Rule) -> None:
  for name in ('root', 'validation'):
    if name in rule.needs and getattr(experiment.dataset, name) is None:
      raise ConfigError(
        f'dataset.{name}',
        f'is missing; server.aggregator: {experiment.server.aggregator.name} '
        'needs examples that the server holds itself. Add, say, '
        f'`{name}: {{size: 100}}` to dataset.',
      )


def _check_enough_clients(
  experiment: Experiment, rule: Rule, facts: dict[str, Any]
) -> None:
  """Checks the number of clients of a round against the rule's minimum.

  A server that says what to do with too few clients is taken at its word.
  """
  num_clients = estimate.clients_of_a_round(experiment)
  server = experiment.server
  if num_clients >= rule.minimum_clients or server.on_too_few != 'error':
    return
  assumed = server.aggregator.options.get('num_byzantine')
  got = f'n={num_clients}'
  got += '' if assumed is None else f', num_byzantine={assumed}'
  why = f' ({rule.requirement})' if rule.requirement else ''
  legal = _largest_legal(experiment, facts)
  select = f'select at least {rule.minimum_clients} clients'
  way_out = (
    select.capitalize()
    if legal is None
    else f'Lower num_byzantine to {legal}, or {select}'
  )
  raise ConfigError(
    'server.aggregator',
    f'{server.aggregator.name} needs at least {rule.minimum_clients} clients '
    f'in a round{why}; got {got}. {way_out} (clients.num_clients, '
    'clients.num_selected).',
  )


def _largest_legal(
  experiment: Experiment, facts: dict[str, Any]
) -> Optional[int]:
  """Returns the largest num_byzantine that the rule takes for n clients."""
  server = experiment.server
  options = server.aggregator.options
  num_clients = estimate.clients_of_a_round(experiment)
  # What was given may be any number; nobody assumes more than all of them.
  most = min(options.get('num_byzantine') or 0, num_clients)
  for assumed in range(most, -1, -1):
    aggregator = Component(
      server.aggregator.name, {**options, 'num_byzantine': assumed}
    )
    tried = dataclasses.replace(server, aggregator=aggregator)
    try:
      rule = assembly.build_rule(tried, facts)
    except ValueError:
      continue
    if rule.minimum_clients <= num_clients:
      return assumed
  return None
