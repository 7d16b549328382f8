"""Checks what only a built component can tell; this imports TensorFlow.

Rules are tried with the numbers of the experiment, so that no table of legal
numbers has to be kept beside them.
"""

from typing import Any, Optional

from flsec import registry
from flsec.config import estimate
from flsec.config.errors import ConfigError
from flsec.config.schema import Component, Experiment


def check_components(experiment: Experiment) -> None:
  """Builds the rule, the attack and the pruner, and checks that they fit.

  Call it before data is read.

  Raises:
    ConfigError: a component refuses its options, the rule is not defined for
      so few clients, or needs examples that the server does not have.
  """
  server = experiment.server
  rule = _build('aggregator', server.aggregator, 'server.aggregator')
  for index, one in enumerate(server.preaggregators):
    _build('preaggregator', one, f'server.preaggregators.{index}')
  _check_enough_clients(experiment, rule)
  for name in ('root', 'validation'):
    if name in rule.needs and getattr(experiment.dataset, name) is None:
      raise ConfigError(
        f'dataset.{name}',
        f'is missing; server.aggregator: {server.aggregator.name} needs '
        f'examples that the server holds itself. Add, say, '
        f'`{name}: {{size: 100}}` to dataset.',
      )
  attack = experiment.attack
  if attack is not None:
    _build('attack', Component(attack.name, attack.options), 'attack')
    for index, one in enumerate(attack.compose):
      _build('attack', one, f'attack.compose.{index}')
  if experiment.pruning is not None:
    _build('pruner', experiment.pruning, 'pruning')


def _build(kind: str, component: Component, path: str) -> Any:
  try:
    return registry.build(kind, component.name, **component.options)
  except (ValueError, TypeError) as error:
    raise ConfigError(path, str(error)) from error


def _check_enough_clients(experiment: Experiment, rule: Any) -> None:
  """Checks the number of clients of a round against the rule's minimum."""
  num_clients = estimate.clients_of_a_round(experiment)
  if num_clients >= rule.minimum_clients:
    return
  aggregator = experiment.server.aggregator
  assumed = aggregator.options.get('num_byzantine')
  assumed_in_words = '' if assumed is None else f', num_byzantine={assumed}'
  legal = _largest_legal(aggregator, num_clients)
  lower = '' if legal is None else f'Lower num_byzantine to {legal}, or '
  select = f'select at least {rule.minimum_clients} clients'
  raise ConfigError(
    'server.aggregator',
    f'{aggregator.name} needs at least {rule.minimum_clients} clients in a '
    f'round; got n={num_clients}{assumed_in_words}. '
    f'{lower + select if lower else select.capitalize()} '
    '(clients.num_clients, clients.num_selected).',
  )


def _largest_legal(aggregator: Component, num_clients: int) -> Optional[int]:
  """Returns the largest num_byzantine that the rule takes for n clients."""
  for assumed in range(aggregator.options.get('num_byzantine') or 0, -1, -1):
    options = {**aggregator.options, 'num_byzantine': assumed}
    try:
      rule = registry.build('aggregator', aggregator.name, **options)
    except ValueError:
      continue
    if rule.minimum_clients <= num_clients:
      return assumed
  return None
