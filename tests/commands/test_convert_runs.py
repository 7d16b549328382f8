"""What `flsec convert` writes is an experiment that runs, for two rounds."""

import copy
import math

import numpy as np
import pytest

from flsec import main
from flsec.config import loading, yaml_file
from flsec.data.dataset import Dataset

_SIZES = {
  'num_clients': 10,
  'num_selected_clients': 6,
  'num_malicious_clients': 2,
}
_ATTACK = """
objective: {name: TargetedAttack, args: {num_epochs: 1, poison_samples: 4}}
backdoor: {type: tasks, source_label: 7, target_label: 1, tasks: 2}
"""
_RAW = {
  'environment': {**_SIZES, 'attack_frequency': 1.0, 'experiment_name': 'x'},
  'server': {
    'num_rounds': 2,
    'num_test_batches': 5,
    'aggregator': {'name': 'FedAvg'},
    'global_learning_rate': -1,
  },
  'client': {
    'model_name': 'dev',
    'benign_training': {
      'num_epochs': 1,
      'batch_size': 8,
      'learning_rate': 0.001,
    },
    'malicious': yaml_file.parse(_ATTACK, ''),
  },
  'dataset': {'dataset': 'mnist', 'data_distribution': 'IID'},
}
_FLAT = {
  **_SIZES,
  'attack_type': 'model_replacement',
  'backdoor_type': 'tasks',
  'scale_attack': True,
  'scale_attack_weight': 3,
  'attack_frequency': 1,
  'num_rounds': 2,
  'num_epochs': 1,
  'clip_l2': 2,
  'data_distribution': 'nonIID',
}
_EDGE = {'type': 'edge', 'edge_case_type': 'NorthWesternEdgeCase'}
_SCALED = {'norm_type': 'l2', 'scale_factor': 3}
# Each case is a list of paths and what stands there.
_CASES = {
  'clipped by the median': {
    'client.clip': {'type': 'median_l2', 'value': 5.0},
    'client.malicious.evasion': {
      'name': 'NormBoundPGDEvasion',
      'args': _SCALED,
    },
  },
  'projected onto a ball': {
    'server.aggregator': {'name': 'TrimmedMean', 'args': {'beta': 0.2}},
    'client.malicious.evasion': {
      'name': 'NormBoundPGDEvasion',
      'args': {**_SCALED, 'pgd_factor': 1.0},
    },
  },
  'one update of all attackers': {
    'client.malicious.multi_attacker_scale_divide': True,
    'client.malicious.objective.args': {
      'num_epochs': 2,
      'num_batch': 1,
      'poison_samples': 3,
      'optimizer': 'SGD',
      'learning_rate': 0.1,
    },
  },
  'neurotoxin': {
    'client.malicious.evasion': {
      'name': 'NeurotoxinEvasion',
      'args': {'topk': 5},
    },
  },
  'pixel pattern': {
    'client.malicious.backdoor.type': 'pixel_pattern',
    'server.aggregator': {'name': 'Median'},
  },
  'pixels of one class': {
    'client.malicious.backdoor.type': 'tasks_pixel_pattern',
    'client.malicious.backdoor.trigger_position': 4,
    'server.aggregator': {'name': 'Krum', 'args': {'byz': 0.2}},
  },
  'edge cases': {'client.malicious.backdoor': _EDGE},
  'untargeted': {
    'client.malicious.objective': {'name': 'UntargetedAttack'},
    'server.global_learning_rate': 1,
    'dataset.data_distribution': 'dirichlet',
    'dataset.augment_data': True,
  },
}
_SLOW_CASES = {
  'flap on lenet': {
    'client.model_name': 'lenet5_mnist',
    'environment.paoding': 1,
    'environment.pruneconv': 1,
    'environment.prune_frequency': 1.0,
    'environment.reject': 'UNION',
  },
  'flap on its resnet': {
    'client.model_name': 'resnet18_mnist',
    'environment.paoding': 1,
    'environment.prune_frequency': 0.5,
  },
  'resnet of fl-analysis': {
    'client.model_name': 'resnet18',
    'dataset.dataset': 'cifar10',
  },
  'one conv with batch normalisation': {
    'client.model_name': 'test_model',
    'dataset.dataset': 'cifar10',
  },
}


def _stand_in(name, data_dir=None, **options):
  del data_dir, options
  rng = np.random.default_rng(0)
  shape = (32, 32, 3) if name == 'cifar10' else (28, 28, 1)
  x = rng.integers(0, 256, (240, *shape), np.uint8)
  y = np.arange(240, dtype=np.int32) % 10
  return Dataset(name, x[:120], y[:120], x[120:], y[120:], 10, scale=1 / 255)


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
  """Converts a mapping by the command, runs it, and returns its summary."""
  from flsec.experiment import loop

  monkeypatch.setattr('flsec.data.load', _stand_in)
  monkeypatch.chdir(tmp_path)
  rng = np.random.default_rng(1)
  x = rng.integers(0, 256, (5, 28, 28, 1), np.uint8)
  np.savez('edge_examples.npz', x_train=x, x_test=x)

  def converted_run(raw):
    (tmp_path / 'theirs.yml').write_text(yaml_file.write(raw))
    with pytest.raises(SystemExit) as ended:
      main.run_app(['flsec', 'convert', 'theirs.yml', '-o', 'ours.yaml'])
    assert not ended.value.code, capsys.readouterr().err
    return loop.run_cell(
      loading.load(str(tmp_path / 'ours.yaml')),
      directory=tmp_path / 'run',
      data_dir=str(tmp_path),
    )

  return converted_run


def _check(summary):
  final = summary['final']
  assert summary['rounds'] == 2 and math.isfinite(final['test/loss'])
  assert final['attack/active'] == 1 and final['clients/malicious'] == 2


def _changed(changes):
  raw = copy.deepcopy(_RAW)
  for path, value in changes.items():
    *parents, key = path.split('.')
    section = raw
    for parent in parents:
      section = section[parent]
    section[key] = value
  return raw


@pytest.mark.slow
@pytest.mark.parametrize('name', _CASES)
def test_sections(name, run):
  _check(run(_changed(_CASES[name])))


@pytest.mark.slow
@pytest.mark.parametrize('name', _SLOW_CASES)
def test_large_models(name, run):
  _check(run(_changed(_SLOW_CASES[name])))


@pytest.mark.slow
def test_flat_schema(run):
  _check(run(_FLAT))


@pytest.mark.slow
def test_loaded_model(run, tmp_path):
  import tensorflow as tf

  layers = tf.keras.layers
  # As the reference code saves its network for a first test.
  theirs = tf.keras.Sequential(
    [
      layers.Conv2D(8, 3, activation='relu', input_shape=(28, 28, 1)),
      layers.Conv2D(4, 3, activation='relu'),
      layers.MaxPooling2D(),
      layers.Flatten(),
      layers.Dense(32, activation='relu'),
      layers.Dense(10, activation='softmax'),
    ]
  )
  path = str(tmp_path / 'theirs.h5')
  theirs.save(path)
  _check(run(_changed({'environment.load_model': path})))


def test_refusal_names_the_file_and_writes_nothing(tmp_path, capsys):
  path = tmp_path / 'theirs.yml'
  path.write_text(yaml_file.write({**_FLAT, 'model_name': 'bhagoji_intrinsic'}))
  ours = tmp_path / 'ours.yaml'
  with pytest.raises(SystemExit) as ended:
    main.run_app(['flsec', 'convert', str(path), '-o', str(ours)])
  error = capsys.readouterr().err
  assert ended.value.code == 2 and not ours.exists()
  assert f'{path}: would be another experiment' in error
  assert "model_name: 'bhagoji_intrinsic' has no counterpart" in error


def test_sizes_are_checked_with_the_rule(tmp_path, capsys):
  raw = _changed(
    {'server.aggregator': {'name': 'TrimmedMean', 'args': {'beta': 0.6}}}
  )
  path = tmp_path / 'theirs.yml'
  path.write_text(yaml_file.write(raw))
  with pytest.raises(SystemExit) as ended:
    main.run_app(['flsec', 'convert', str(path)])
  output, error = capsys.readouterr()
  assert ended.value.code == 2 and output == ''
  assert 'trim_fraction must be at least 0 and below 0.5' in error
