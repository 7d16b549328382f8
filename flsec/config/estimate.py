"""Tells rules how many malicious clients they have to withstand.

Most rules take `num_byzantine`. Where the YAML leaves it out, the rule gets the
number of a round: the perfect estimate that papers assume. It is the true one
wherever every round has the same; where clients are drawn at random it is the
expected one, which a round may exceed (`clients/malicious_above_f` says by how
many). So does a rule for which it is null by default, unless the YAML gives
what stands in its place (another option that is null by default, such as
`trim_fraction`).
"""

import dataclasses
import fractions
import math
from collections.abc import Iterator, Mapping
from typing import Any, Optional

from flsec import registry
from flsec.config import annotations
from flsec.config.schema import Component, Experiment, ServerConfig


def fill(experiment: Experiment) -> Experiment:
  """Returns the experiment with every `num_byzantine` left out filled in."""
  true_number = num_byzantine_of_a_round(experiment)
  server = experiment.server
  server = dataclasses.replace(
    server,
    aggregator=_filled('aggregator', server.aggregator, true_number),
    preaggregators=tuple(
      _filled('preaggregator', one, true_number)
      for one in server.preaggregators
    ),
  )
  return dataclasses.replace(experiment, server=server)


def clients_of_a_round(experiment: Experiment) -> int:
  """Returns how many clients take part in a round."""
  clients = experiment.clients
  return clients.num_selected or clients.num_clients


def num_byzantine_of_a_round(experiment: Experiment) -> int:
  """Returns how many malicious clients a round is expected to have, f.

  All of them where all clients take part, the configured number where the
  selection fixes it, and the expected number, rounded up, where clients are
  drawn at random.
  """
  attack, clients = experiment.attack, experiment.clients
  if attack is None:
    return 0
  if clients.selection in ('fixed_malicious', 'attack_frequency'):
    return clients.num_malicious_selected or attack.num_byzantine
  share = fractions.Fraction(
    clients_of_a_round(experiment), clients.num_clients
  )
  return math.ceil(share * attack.num_byzantine)


def num_byzantine_told(server: ServerConfig) -> Optional[int]:
  """Returns the f that the server withstands, once left-out ones are filled in.

  The smallest `num_byzantine` of the rule, the rules inside it and the
  pre-aggregators; None where none of them has any.
  """
  components = (server.aggregator, *server.preaggregators)
  told = [f for one in components for f in _told(one.options)]
  return min(told, default=None)


def _told(options: Mapping[str, Any]) -> Iterator[int]:
  for name, value in options.items():
    if name == 'num_byzantine' and value is not None:
      yield value
    for inner in value if isinstance(value, (list, tuple)) else (value,):
      if isinstance(inner, Mapping):
        yield from _told(inner)


def _filled(kind: str, component: Component, true_number: int) -> Component:
  options = _filled_options(
    kind, component.name, component.options, true_number
  )
  return dataclasses.replace(component, options=options)


def _filled_options(
  kind: str, name: str, options: Mapping[str, Any], true_number: int
) -> dict[str, Any]:
  filled = {}
  entry = registry.entry(kind, name)
  for option in entry.options:
    if option.name in options:
      value = options[option.name]
      wanted = annotations.parse(option.annotation)
      filled[option.name] = _filled_value(value, wanted, true_number)
    if option.name == 'num_byzantine' and _is_left_out(option, entry, options):
      filled[option.name] = true_number
  return filled


def _is_left_out(
  option: registry.Option, entry: registry.Entry, options: Mapping[str, Any]
) -> bool:
  """Tells whether nothing says how many malicious clients to expect."""
  if option.is_required:
    return option.name not in options
  return option.default is None and all(
    options.get(other.name) is None
    for other in entry.options
    if other.default is None
  )


def _filled_value(value: Any, wanted: Any, true_number: int) -> Any:
  """Fills the rules inside an option's value, such as `{name: krum}`."""
  if annotations.held_kind(wanted) != 'aggregator':
    return value
  if isinstance(value, (list, tuple)):
    return tuple(_filled_value(one, wanted, true_number) for one in value)
  if not isinstance(value, Mapping):
    return value
  options = {key: one for key, one in value.items() if key != 'name'}
  filled = _filled_options('aggregator', value['name'], options, true_number)
  return {'name': value['name'], **filled}
