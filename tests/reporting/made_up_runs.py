"""Made-up runs, written by the code that writes real ones."""

import copy

import numpy as np
import yaml

from flsec.experiment import summary
from flsec.experiment.metric_writer import MetricWriter
from flsec.experiment.run_directory import RunDirectory

CONFIG = {
  'name': 'quickstart',
  'rounds': 30,
  'dataset': {
    'name': 'digits',
    'partition': {'name': 'dirichlet', 'alpha': 0.5},
    'root': None,
    'validation': None,
    'num_train': None,
  },
  'model': {'name': 'lenet5'},
  'clients': {
    'num_clients': 20,
    'optimizer': {'learning_rate': 0.001, 'name': 'adam', 'momentum': 0.0},
    'epochs': 2,
    'steps': None,
    'batch_size': 32,
  },
  'server': {
    'aggregator': {'name': 'trimmed_mean', 'num_byzantine': 4},
    'preaggregators': [],
    'learning_rate': 1.0,
    'on_too_few': 'error',
  },
  'attack': {
    'name': 'label_flip',
    'source_label': 1,
    'target_label': 7,
    'num_byzantine': 4,
    'start_round': 11,
    'stop_round': None,
    'every': 1,
  },
  'pruning': {'name': 'flap', 'every': 5},
  'seed': 42,
  'description': '',
}


def config(**changes):
  """Returns a configuration; `server__aggregator={...}` sets a nested part."""
  made = copy.deepcopy(CONFIG)
  for path, value in changes.items():
    node = made
    *parents, last = path.split('__')
    for parent in parents:
      node = node[parent]
    node[last] = value
  return made


def rows(seed=0, rounds=30, start=11, harm=0.3, evaluate_every=1):
  """Returns (round, metrics) as a run under an attack gives them."""
  rng = np.random.default_rng(seed)
  made = []
  for n in range(1, rounds + 1):
    attacked = start is not None and n >= start
    hit = harm * (1 - np.exp(-(n - start + 1) / 4)) if attacked else 0.0
    accuracy = 0.965 - 0.85 * np.exp(-n / 2.2) - 0.1 * hit
    metrics = {
      'update_norm/benign_mean': 0.9 + 2 * np.exp(-n / 5) + 0.1 * rng.random()
    }
    if n % evaluate_every == 0:
      metrics['test/accuracy'] = np.float32(accuracy + 0.006 * rng.random())
      metrics['test/loss'] = np.float32(1.2 - accuracy)
      for label in range(10):
        own = accuracy + 0.03 * rng.random() - (hit if label == 1 else 0)
        metrics[f'test/accuracy_class_{label}'] = np.float32(own)
    if start is not None:
      metrics['attack/error_rate'] = np.float32(hit + 0.01 * rng.random())
      benign = metrics['update_norm/benign_mean']
      metrics['update_norm/malicious_mean'] = benign * (1 + 0.8 * attacked)
      metrics['rule/selected_malicious'] = 4 - 3 * attacked * rng.random()
    metrics['rule/selected_benign'] = 16 - rng.random()
    metrics['pruning/conv2d/units'] = int(n % 5 == 1)
    metrics['pruning/dense/units'] = 2 * int(n % 5 == 1)
    clients = 0.8 + 0.15 * rng.random() + 6 * (n == 1)
    metrics['time/clients_seconds'] = clients
    metrics['time/aggregation_seconds'] = 0.08 + 0.02 * rng.random()
    metrics['time/pruning_seconds'] = 0.15 * (n % 5 == 1)
    metrics['time/evaluation_seconds'] = 0.12 + 0.02 * rng.random()
    metrics['time/round_seconds'] = clients + 0.45
    made.append((n, metrics))
  return made


def write_run(
  path,
  settings=None,
  metrics=None,
  done=True,
  labels=True,
  fingerprint='made-up',
):
  """Writes a run directory."""
  settings = CONFIG if settings is None else settings
  text = yaml.safe_dump(settings, sort_keys=False)
  with RunDirectory.open(path, text, fingerprint, False) as directory:
    if labels:
      shares = np.random.default_rng(1).dirichlet([0.5] * 10, 20)
      directory.write_labels((shares * 75).astype(int), np.arange(20) < 4)
    with MetricWriter(path) as writer:
      for number, values in rows() if metrics is None else metrics:
        writer.write_row(number, values)
    if done:
      attack = settings.get('attack') or {}
      directory.finish(
        summary.summarize(
          writer.rows,
          seed=settings['seed'],
          start_round=attack.get('start_round'),
        )
      )
  return path


def write_grid(path, seeds=(1, 2)):
  """Writes an experiment: rules against attacks, each with several seeds."""
  harms = {'mean': 0.9, 'median': 0.2, 'krum': 0.35, 'trimmed_mean': 0.12}
  for rule, harm in harms.items():
    for attack in (None, 'label_flip', 'sign_flip', 'alie'):
      for seed in seeds:
        changes = {
          'seed': seed,
          'server__aggregator': {'name': rule}
          if rule == 'mean'
          else {'name': rule, 'num_byzantine': 4},
          'attack': attack
          and {'name': attack, 'num_byzantine': 4, 'start_round': 11},
        }
        factor = {'sign_flip': 3.0, 'alie': 1.6}.get(attack, 1.0)
        write_run(
          path / f'aggregator={rule},attack={attack},seed={seed}',
          config(**changes),
          rows(
            seed, start=11 if attack else None, harm=min(harm * factor, 0.98)
          ),
          labels=False,
        )
  return path
