"""An experiment of a second: digits, six clients, a tiny perceptron."""

import yaml

from flsec.config import loading, overrides

RAW = {
  'name': 'small',
  'rounds': 4,
  'dataset': {'name': 'digits', 'num_train': 90},
  'model': {'name': 'mlp', 'hidden': [8]},
  'clients': {
    'num_clients': 6,
    'batch_size': 8,
    'optimizer': {'name': 'adam', 'learning_rate': 0.01},
  },
  'attack': {'name': 'label_flip', 'num_byzantine': 1, 'start_round': 2},
  'server': {'aggregator': 'trimmed_mean'},
  'pruning': {'name': 'flap', 'every': 2},
}


def load(*changes):
  """Returns the experiment with values changed as by `--set`."""
  flags = [overrides.parse(text) for text in changes]
  return loading.from_mapping(overrides.apply(RAW, flags))


def write(path):
  """Writes the experiment as a YAML file; returns its path as text."""
  path.write_text(yaml.safe_dump(RAW, sort_keys=False))
  return str(path)
