"""Clients are the data's own writers."""

from typing import Optional

import numpy as np

from flsec import registry
from flsec.data.partition import ownership


@registry.partition('by_writer', paper='Caldas et al. (LEAF), arXiv 2018')
def by_writer(
  labels: np.ndarray,
  num_clients: int,
  writers: Optional[np.ndarray] = None,
  *,
  mode: str = 'merge',
  seed: int = 0,
) -> list[np.ndarray]:
  """Give each client one or more writers of the data set, as they are.

  With as many clients as writers, client i is the i-th writer. With fewer,
  mode='merge' deals all writers at random to the clients, whose numbers of
  writers differ by at most 1; mode='sample' draws one writer for each client
  and leaves the others' examples unused.

  Args:
    labels: whole numbers [M].
    num_clients: N, at most the number of writers.
    writers: who wrote each example, whole numbers [M] (Dataset.writers).
    mode: 'merge' or 'sample'.
    seed: of the draw.

  Returns:
    N ascending index arrays, disjoint; with 'merge' every example is used.

  Raises:
    ValueError: no writers, more clients than writers, or an unknown mode.

  References:
    Caldas et al., "LEAF: A Benchmark for Federated Settings", arXiv 2018.
  """
  ownership.checked_classes(labels, num_clients)
  if writers is None:
    raise ValueError(
      'by_writer needs to know who wrote each example, and this data set does '
      'not say. Use femnist, or another partition.'
    )
  if len(writers) != len(labels):
    raise ValueError(
      f'writers must have an entry for each of the {len(labels)} examples; '
      f'got {len(writers)}.'
    )
  if mode not in ('merge', 'sample'):
    raise ValueError(f"mode must be 'merge' or 'sample'; got {mode!r}.")
  names, writer = np.unique(np.asarray(writers), return_inverse=True)
  if num_clients > len(names):
    raise ValueError(
      f'{num_clients} clients cannot be formed from {len(names)} writers. '
      f'Lower num_clients to {len(names)} at most.'
    )
  owners = _owner_of_writer(len(names), num_clients, mode, seed)[writer]
  return ownership.indices_by_owner(owners, num_clients)


def _owner_of_writer(
  num_writers: int, num_clients: int, mode: str, seed: int
) -> np.ndarray:
  """Returns the client of each writer [W], or -1."""
  if num_writers == num_clients:
    return np.arange(num_writers)
  order = ownership.partition_generator(seed).permutation(num_writers)
  owner = np.full(num_writers, -1)
  if mode == 'sample':
    # Sorted, so that client order follows writer order as with all writers.
    owner[np.sort(order[:num_clients])] = np.arange(num_clients)
  else:
    owner[order] = np.arange(num_writers) % num_clients
  return owner
