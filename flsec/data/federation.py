"""Builds a federation: who holds which examples of a data set."""

import inspect
from collections.abc import Mapping
from typing import Any, Optional

import numpy as np

from flsec import registry
from flsec.data.dataset import Dataset, Federation, ServerSet, Split
from flsec.data.loading import check_options
from flsec.seeds import generator


def build_federation(
  dataset: Dataset,
  *,
  partition: str,
  partition_options: Optional[Mapping[str, Any]] = None,
  num_clients: int,
  seed: int,
  root: Optional[ServerSet] = None,
  validation: Optional[ServerSet] = None,
  num_train: Optional[int] = None,
  balanced_train: bool = True,
) -> Federation:
  """Divides a data set among clients, server and test set.

  The server's sets are drawn first, then the clients share the training
  examples that are left; clients, root, validation and test never overlap.

  Args:
    dataset: the data set.
    partition: name of the scheme (`flsec list partitions`).
    partition_options: its options; their `seed` is `seed` if left out.
    num_clients: number of clients.
    seed: root seed of every draw.
    root: the server's training examples, as FLTrust's.
    validation: the server's validation examples.
    num_train: training examples that the clients share; None means the rest.
    balanced_train: draw the num_train with the same number of each class.

  Returns:
    The federation; images stay as stored, in one pool sorted by client.

  Raises:
    ValueError: unknown scheme or option, too few examples.
  """
  left = {
    'train': np.arange(len(dataset.y_train)),
    'test': np.arange(len(dataset.y_test)),
  }
  server = {
    name: _draw_server_set(dataset, left, name, wanted, seed)
    for name, wanted in (('root', root), ('validation', validation))
  }
  train = left['train']
  if num_train is not None:
    train = _draw(
      dataset.y_train, train, num_train, balanced_train, seed, 'num_train'
    )
  parts = _share(
    dataset, train, partition, dict(partition_options or {}), num_clients, seed
  )
  order = train[np.concatenate(parts)]
  return Federation(
    x=dataset.x_train[order],
    y=dataset.y_train[order],
    offsets=np.cumsum([0, *map(len, parts)], dtype=np.int64),
    test=_test_split(dataset, left['test']),
    num_classes=dataset.num_classes,
    scale=dataset.scale,
    shift=dataset.shift,
    **server,
  )


def _draw_server_set(
  dataset: Dataset,
  left: dict[str, np.ndarray],
  name: str,
  wanted: Optional[ServerSet],
  seed: int,
) -> Optional[Split]:
  """Draws one of the server's sets and takes it out of `left`."""
  if wanted is None:
    return None
  if wanted.source not in left:
    raise ValueError(
      f"source of the {name} set must be 'train' or 'test'; got "
      f'{wanted.source!r}.'
    )
  is_train = wanted.source == 'train'
  x = dataset.x_train if is_train else dataset.x_test
  y = dataset.y_train if is_train else dataset.y_test
  pool = left[wanted.source]
  what = f'{name} set, from {wanted.source}'
  drawn = _draw(y, pool, wanted.size, wanted.balanced, seed, what)
  left[wanted.source] = np.setdiff1d(pool, drawn, assume_unique=True)
  return Split(x[drawn], y[drawn])


def _draw(
  labels: np.ndarray,
  pool: np.ndarray,
  size: int,
  balanced: bool,
  seed: int,
  what: str,
) -> np.ndarray:
  """Returns `size` indices out of `pool`, ascending."""
  if not 1 <= size <= len(pool):
    raise ValueError(
      f'{what}: {size} examples asked for, of {len(pool)} that are left; '
      f'choose from 1 to {len(pool)}.'
    )
  shuffled = generator(seed, 'draw', what).permutation(pool)
  if not balanced:
    return np.sort(shuffled[:size])
  names, classes = np.unique(labels[shuffled], return_inverse=True)
  wanted = np.full(len(names), size // len(names))
  wanted[: size % len(names)] += 1
  totals = np.bincount(classes)
  short = np.flatnonzero(totals < wanted)
  if len(short):
    raise ValueError(
      f'{what}: {size} class-balanced examples need {wanted[short[0]]} of '
      f'label {names[short[0]]}, of which {totals[short[0]]} are left. Ask for '
      'fewer, or for an unbalanced draw.'
    )
  # Rank of each example within its class, in shuffled order.
  by_class = np.argsort(classes, kind='stable')
  rank = np.empty(len(classes), np.int64)
  starts = np.repeat(np.cumsum(totals) - totals, totals)
  rank[by_class] = np.arange(len(classes)) - starts
  return np.sort(shuffled[rank < wanted[classes]])


def _share(
  dataset: Dataset,
  train: np.ndarray,
  partition: str,
  options: dict[str, Any],
  num_clients: int,
  seed: int,
) -> list[np.ndarray]:
  """Returns, for each client, places in `train`."""
  check_options('partition', partition, options)
  entry = registry.entry('partition', partition)
  options.setdefault('seed', seed)
  scheme = entry.load()
  arguments = [dataset.y_train[train], num_clients]
  takes_writers = 'writers' in inspect.signature(scheme).parameters
  if takes_writers and dataset.writers is not None:
    arguments.append(dataset.writers[train])
  return scheme(*arguments, **options)


def _test_split(dataset: Dataset, left: np.ndarray) -> Split:
  if len(left) == len(dataset.y_test):
    return Split(dataset.x_test, dataset.y_test)  # No copy.
  return Split(dataset.x_test[left], dataset.y_test[left])
