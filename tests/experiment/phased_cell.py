"""A small run of four phases, and what tests read of it."""

import numpy as np
import pytest
import small_experiment

from flsec.config import loading, overrides
from flsec.experiment import loop, metric_rows

RAW = {
  **small_experiment.RAW,
  'name': 'phased',
  'rounds': 2,
  'dataset': {
    'name': 'digits',
    'num_train': 240,
    'validation': {'size': 60},
  },
  'model': {'name': 'cnn', 'filters': [3, 5], 'kernel_size': 3, 'hidden': [8]},
  'clients': {
    'num_clients': 4,
    'batch_size': 16,
    'optimizer': {'learning_rate': 0.1},
  },
  'attack': {
    'name': 'model_replacement',
    'scale': 2.0,
    'attack': {
      'name': 'badnets',
      'trigger': 'federated_pruning_5',
      'source_label': 9,
      'target_label': 1,
      'poison_fraction': 0.5,
    },
    'num_byzantine': 1,
    'compose': ['false_reports'],
  },
  'server': {'aggregator': {'name': 'mean', 'weighted': False}},
  'pruning': None,
  'phases': [
    'train',
    {'name': 'prune', 'max_drop': 0.05, 'stop': 'largest_acceptable'},
    {'name': 'fine_tune', 'max_rounds': 2},
    {'name': 'adjust', 'largest': 2.5, 'step': 0.5, 'max_drop': 0.05},
  ],
}
PHASES = ['train', 'prune', 'fine_tune', 'adjust']


def load(*changes):
  """Returns the experiment, some of its values changed."""
  flags = [overrides.parse(text) for text in changes]
  return loading.from_mapping(overrides.apply(RAW, flags))


def run(path, *changes):
  """Runs it in a folder; returns the summary."""
  return loop.run_cell(load(*changes), directory=path, data_dir='')


def rows(path):
  """Returns the rows of metrics."""
  return metric_rows.read_rows(path / 'metrics.jsonl')


def of(rows, phase):
  """Returns those of a phase."""
  return [row for row in rows if row['phase'] == phase]


def is_near(loss, other):
  """A step of a search may add a product up in another order."""
  return loss == pytest.approx(other, rel=1e-5)


def final_state(path):
  """Returns the arrays of the last checkpoint by name."""
  latest = sorted((path / 'checkpoints').iterdir())[-1]
  with np.load(latest) as archive:
    return {name: archive[name] for name in archive.files}
