"""Checks an experiment that was converted, without any of its files."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from flsec import registry
from flsec.config.errors import ConfigError
from flsec.config.schema import Experiment
from flsec.experiment import preflight

# Of an example of each data set that the reference code has, too.
_SHAPES = {
  'mnist': (28, 28, 1),
  'fashion_mnist': (28, 28, 1),
  'femnist': (28, 28, 1),
  'cifar10': (32, 32, 3),
}


def check(experiment: Experiment) -> None:
  """Builds the model and what acts on it, for examples of the data's shape.

  Files that the experiment names need not be at hand: what it starts from, and
  the examples of an edge case.

  Raises:
    ConfigError: they do not fit each other.
  """
  attack = experiment.attack
  if attack and 'edge_case' in _names({'name': attack.name, **attack.options}):
    attack = None
  preflight.check_components(
    dataclasses.replace(experiment, start_from=None, attack=attack)
  )
  model = experiment.model
  try:
    registry.build_supplied(
      'model',
      model.name,
      model.options,
      {'input_shape': _SHAPES[experiment.dataset.name], 'num_classes': 10},
    )
  except ValueError as error:
    raise ConfigError('model', str(error)) from error


def _names(component: Mapping[str, Any]) -> Iterator[str]:
  """Yields the names of a component and of those within it."""
  yield component['name']
  for value in component.values():
    if isinstance(value, Mapping) and 'name' in value:
      yield from _names(value)
