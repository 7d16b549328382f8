"""The experiment of a second, for tests of what cells share."""

from flsec.config import loading, overrides

RAW = {
  'name': 'small',
  'rounds': 4,
  'dataset': {'name': 'digits', 'num_train': 300},
  'model': {
    'name': 'cnn',
    'filters': [3],
    'kernel_size': 3,
    'pool_after': [1],
    'hidden': [6],
  },
  'clients': {
    'num_clients': 6,
    'batch_size': 8,
    'optimizer': {'learning_rate': 0.05},
  },
  'attack': {
    'name': 'label_flip',
    'num_byzantine': 1,
    'start_round': 1,
    'source_label': 1,
    'target_label': 7,
  },
  'server': {'aggregator': 'trimmed_mean'},
  'pruning': {'name': 'flap', 'every': 2},
}


def load(*changes):
  """Returns the experiment with values changed as by `--set`."""
  flags = [overrides.parse(text) for text in changes]
  return loading.from_mapping(overrides.apply(RAW, flags))
