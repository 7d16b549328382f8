"""Experiments one of whose components is given odd options."""

import copy

import odd_bytes
import rule_cases
import small_experiment

from flsec import registry

_FLIP = {'name': 'label_flip'}
_NUMBERS = (
  0,
  1,
  -1,
  2,
  3,
  5,
  2**31,
  2**62,
  -(2**63),
  0.0,
  -0.0,
  0.5,
  1.0,
  1 - 1e-16,
  1e-30,
  1e-300,
  5e-324,
  1e30,
  1e308,
  -1e308,
  float('inf'),
  float('nan'),
)
# What options that have no default are given.
_REQUIRED = {
  **rule_cases.BY_OPTION,
  'num_clients': 6,
  'attack': _FLIP,
  'attacks': [_FLIP, {'name': 'scaling', 'attack': _FLIP}],
  'radius': 1.0,
  'channels': [0],
  'file': 'no_file.npz',
}
_KINDS = ('aggregator', 'preaggregator', 'attack', 'pruner', 'phase')


def odd_experiment(rng):
  """Returns an experiment as YAML holds it."""
  raw = copy.deepcopy(small_experiment.RAW)
  kind = _KINDS[rng.integers(len(_KINDS))]
  entries = registry.entries(kind)
  name = list(entries)[rng.integers(len(entries))]
  component = {'name': name, **_options(entries[name].options, rng)}
  if kind == 'aggregator':
    raw['server'] = {'aggregator': component}
  elif kind == 'preaggregator':
    raw['server']['preaggregators'] = [component]
  elif kind == 'attack':
    raw['attack'] = {'num_byzantine': 1, **component}
  elif kind == 'pruner':
    raw['pruning'] = component
  else:
    raw['phases'] = [{'name': 'train'}, component]
    raw['dataset'] = {**raw['dataset'], 'validation': {'size': 20}}
    del raw['pruning']
  return raw


def _options(options, rng):
  """Returns one to three odd values, and what is required besides."""
  given = {
    option.name: copy.deepcopy(_REQUIRED[option.name])
    for option in options
    if option.is_required
  }
  for _ in range(rng.integers(1, 4) if options else 0):
    option = options[rng.integers(len(options))]
    if rng.random() < 0.8:
      value = _NUMBERS[rng.integers(len(_NUMBERS))]
    else:
      value = odd_bytes.odd(rng)
    given[option.name] = [value] if rng.random() < 0.1 else value
  return given
