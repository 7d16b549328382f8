"""FedER's degree of imbalance, with exact counts."""

import numpy as np

from flsec import registry
from flsec.data.partition import ownership


@registry.partition('imbalance', paper='Jiang et al. (FedER)')
def imbalance(
  labels: np.ndarray, num_clients: int, *, degree: float, seed: int = 0
) -> list[np.ndarray]:
  """Give each cluster of clients the share `degree` of one class of its own.

  With rho classes there are rho clusters of N / rho clients each; cluster w
  is clients w N / rho to (w + 1) N / rho - 1. Of class w's M_w examples,
  cluster w gets degree M_w, and each other cluster (1 - degree) M_w / (rho -
  1), rounded by largest remainder, ties by cyclic distance from w. So 50,000
  even examples, rho = 10 and degree 0.5 give each cluster 2,500 of its own
  class and 277 or 278 of each other, 2,500 in all. A cluster's clients share
  its examples at random, in equal parts. degree = 1 / rho is IID.

  Args:
    labels: whole numbers [M]; rho is how many of them differ, at least 2.
    num_clients: N, a multiple of rho.
    degree: lambda, from 0 to 1.
    seed: of every draw.

  Returns:
    N ascending index arrays, disjoint, which use every example.

  Raises:
    ValueError: degree out of range, N not a multiple of rho, or a client
      left without examples.

  References:
    Jiang, Cao, Chen and Gong, "FedER: Communication-Efficient
    Byzantine-Robust Federated Learning", appendix on data sets; after Cao et
    al., "FLTrust", NDSS 2021, whose split is a random draw and not exact.
  """
  names, classes = ownership.checked_classes(labels, num_clients)
  rho = len(names)
  if not 0 <= degree <= 1:
    raise ValueError(f'degree must be from 0 to 1; got {degree}.')
  if rho < 2:
    raise ValueError('imbalance needs at least 2 classes; got 1.')
  if num_clients % rho:
    low = num_clients - num_clients % rho
    raise ValueError(
      f'imbalance needs num_clients to be a multiple of the {rho} classes; '
      f'got {num_clients}. Use {low or rho} or {low + rho}.'
    )
  rng = ownership.partition_generator(seed)
  counts = cluster_counts(np.bincount(classes), degree)
  clusters = ownership.owners_from_counts(classes, counts, rng)
  owners = _share_within(clusters, rho, num_clients // rho, rng)
  sizes = np.bincount(owners, minlength=num_clients)
  if not sizes.min():
    raise ValueError(
      f'imbalance leaves client {int(sizes.argmin())} without examples: '
      f'cluster sizes are {counts.sum(axis=1).tolist()} for '
      f'{num_clients // rho} clients each. Lower num_clients.'
    )
  return ownership.indices_by_owner(owners, num_clients)


def cluster_counts(totals: np.ndarray, degree: float) -> np.ndarray:
  """Returns how many examples of each class each cluster gets.

  Args:
    totals: examples per class [rho].
    degree: lambda, from 0 to 1.

  Returns:
    int64 [rho clusters, rho classes]; columns sum to totals.
  """
  rho = len(totals)
  shares = np.full((rho, rho), (1 - degree) / (rho - 1))
  np.fill_diagonal(shares, degree)
  exact = shares * totals  # [cluster, class]
  counts = np.floor(exact + 1e-9).astype(np.int64)
  remainder = np.round(exact - counts, 9)
  # Cyclic ties keep the clusters' sizes equal where the classes' are.
  steps = np.subtract.outer(np.arange(rho), np.arange(rho)) % rho
  order = np.lexsort((steps, -remainder), axis=0)  # [rank, class]
  missing = totals - counts.sum(axis=0)
  for label in range(rho):
    counts[order[: missing[label], label], label] += 1
  return counts


def _share_within(
  clusters: np.ndarray,
  num_clusters: int,
  per_cluster: int,
  rng: np.random.Generator,
) -> np.ndarray:
  """Deals each cluster's examples to its clients; returns owners [M]."""
  shuffled = rng.permutation(len(clusters))
  by_cluster = shuffled[np.argsort(clusters[shuffled], kind='stable')]
  sizes = np.bincount(clusters, minlength=num_clusters)
  starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
  place = (np.arange(len(clusters)) - starts) % per_cluster
  owners = np.empty(len(clusters), np.int64)
  owners[by_cluster] = clusters[by_cluster] * per_cluster + place
  return owners
