"""Measures the time to load and to share data, and the memory it takes.

Run `python -m benchmarks.data_memory`. Each measurement runs in a process of
its own, so that the peak of its memory is its own. A federation of FEMNIST's
full size is built from generated images.
Exits with 1 if a figure is above its bound.
"""

import json
import resource
import subprocess
import sys
import time
from typing import Callable

import numpy as np

_NUM_WRITERS, _NUM_TRAIN, _NUM_TEST = 3_383, 341_873, 40_832
_NUM_SHARED, _NUM_CLIENTS = 60_000, 10_000
# Measurement -> bounds; units in the names of what is measured.
_BOUNDS = {
  'load_mnist': {'load s': 2.0},
  'partitions': {'slowest s': 1.0},
  'femnist_federation': {'peak MiB': 1.5 * 1024},
}


def load_mnist() -> dict[str, float]:
  """Loads MNIST from $FLSEC_DATA_DIR, checksum and all."""
  from flsec import data

  if not data.locate_all()['mnist'].is_present:
    return {}
  start = time.perf_counter()
  data.load('mnist')
  return {'load s': time.perf_counter() - start}


def partitions() -> dict[str, float]:
  """Shares 60,000 examples among 10,000 clients, by every scheme."""
  from flsec.data import partition

  labels = np.random.default_rng(0).integers(0, 10, _NUM_SHARED)
  writers = np.arange(_NUM_SHARED) % (2 * _NUM_CLIENTS)
  schemes: dict[str, tuple[Callable, dict]] = {
    'iid': (partition.iid, {}),
    'stratified': (partition.stratified, {}),
    'dirichlet': (partition.dirichlet, {'alpha': 0.9}),
    'dirichlet by class': (
      partition.dirichlet,
      {'alpha': 0.9, 'by': 'class', 'min_samples': 0},
    ),
    'imbalance': (partition.imbalance, {'degree': 0.5}),
    'k_label': (partition.k_label, {'num_labels': 3}),
    'by_writer': (partition.by_writer, {'writers': writers}),
    'gamma_similarity': (partition.gamma_similarity, {'gamma': 0.5}),
    'extreme': (partition.extreme, {}),
  }
  figures = {}
  for name, (scheme, options) in schemes.items():
    start = time.perf_counter()
    scheme(labels, _NUM_CLIENTS, **options)
    figures[f'{name} s'] = time.perf_counter() - start
  return {**figures, 'slowest s': max(figures.values())}


def femnist_federation() -> dict[str, float]:
  """Builds a federation of FEMNIST's full size, one client a writer."""
  from flsec import data

  rng = np.random.default_rng(0)
  num_images = _NUM_TRAIN + _NUM_TEST
  # In place: the generator would make a second copy of its own.
  images = np.empty((num_images, 28, 28, 1), np.uint8)
  for start in range(0, num_images, 1 << 16):
    part = images[start : start + (1 << 16)]
    part[...] = rng.integers(0, 256, part.shape, np.uint8)
  labels = rng.integers(0, 10, num_images).astype(np.int32)
  writers = rng.integers(0, _NUM_WRITERS, _NUM_TRAIN).astype(np.int32)
  writers[:_NUM_WRITERS] = np.arange(_NUM_WRITERS)
  dataset = data.Dataset(
    name='femnist',
    x_train=images[:_NUM_TRAIN],
    y_train=labels[:_NUM_TRAIN],
    x_test=images[_NUM_TRAIN:],
    y_test=labels[_NUM_TRAIN:],
    num_classes=10,
    writers=writers,
  )
  start = time.perf_counter()
  federation = data.build_federation(
    dataset,
    partition='by_writer',
    num_clients=_NUM_WRITERS,
    seed=0,
    root=data.ServerSet(100),
    validation=data.ServerSet(100, 'test'),
  )
  seconds = time.perf_counter() - start
  return {
    'clients': federation.num_clients,
    'images': len(federation.y) + 100,
    'build s': seconds,
    'images MiB': images.nbytes / 2**20,
    'peak MiB': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
  }


_MEASUREMENTS = {
  'load_mnist': load_mnist,
  'partitions': partitions,
  'femnist_federation': femnist_federation,
}


def _measure(name: str) -> dict[str, float]:
  """Runs one measurement in a new process."""
  result = subprocess.run(
    [sys.executable, '-m', 'benchmarks.data_memory', name],
    check=True,
    stdout=subprocess.PIPE,
    text=True,
  )
  return json.loads(result.stdout.splitlines()[-1])


def main(arguments: list[str]) -> int:
  """Prints one measurement as JSON if it is named, else a table of all."""
  if arguments:
    print(json.dumps(_MEASUREMENTS[arguments[0]]()))
    return 0
  is_within = True
  for name in _MEASUREMENTS:
    figures = _measure(name)
    if not figures:
      print(f'{name:20} skipped: no data in $FLSEC_DATA_DIR')
    for what, value in figures.items():
      bound = _BOUNDS[name].get(what)
      verdict = '' if bound is None else f'  (at most {bound:g})'
      if bound is not None and value > bound:
        is_within, verdict = False, f'{verdict}  TOO MUCH'
      print(f'{name:20} {what:22} {value:10.3f}{verdict}')
  return 0 if is_within else 1


if __name__ == '__main__':
  sys.exit(main(sys.argv[1:]))
