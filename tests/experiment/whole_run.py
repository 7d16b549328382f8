"""An experiment whose run can be exported whole, and what then runs it."""

import numpy as np
import tensorflow as tf

from flsec.config import loading, overrides

RAW = {
  'name': 'whole',
  'seed': 3,
  'rounds': 4,
  'dataset': {
    'name': 'digits',
    'num_train': 120,
    'root': {'size': 20, 'source': 'train'},
    'validation': {'size': 20, 'source': 'train'},
  },
  'model': {'name': 'mlp', 'hidden': [8]},
  'clients': {
    'num_clients': 6,
    'steps': 1,
    'batch_size': 8,
    'sampling': 'independent',
    'optimizer': {'name': 'sgd', 'learning_rate': 0.5},
  },
  'server': {'aggregator': 'fltrust', 'learning_rate': 0.5},
  'evaluation': {'every': 2, 'critical_accuracy': 0.1},
  'runtime': {'threads': 1},
}
BACKDOOR = {
  'name': 'averaged_badnets',
  'attack': {'name': 'badnets', 'num_poisoned': 2},
  'num_byzantine': 2,
  'placement': 'sampled',
}


def load(*changes, **sections):
  """Returns the experiment, sections replaced, then values as by `--set`."""
  flags = [overrides.parse(text) for text in changes]
  return loading.from_mapping(overrides.apply({**RAW, **sections}, flags))


def results_of(experiment, run):
  """Does what `benchmarks/exported_run.py` does, by TensorFlow's XLA."""
  program = tf.function(run.function, jit_compile=True, autograph=False)
  state, parts = run.state, {}
  for _ in range(experiment.rounds // experiment.evaluation.every):
    state, metrics, counted = program(state, run.clients, run.test)
    for name, value in metrics.items():
      kept = value.numpy()
      if kept.ndim > 1 and kept.dtype.kind == 'f':
        kept = kept[-1:]
      parts.setdefault(f'metrics/{name}', []).append(kept)
    for name, value in counted.items():
      parts.setdefault(f'counted/{name}', []).append(value.numpy()[None])
  results = {name: np.concatenate(values) for name, values in parts.items()}
  return results, state
