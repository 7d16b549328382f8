"""Turns who owns which example into index arrays, and counts into owners."""

import numpy as np

from flsec.seeds import generator


def checked_classes(
  labels: np.ndarray, num_clients: int
) -> tuple[np.ndarray, np.ndarray]:
  """Checks a partition's input.

  Args:
    labels: whole numbers [M], at least 0.
    num_clients: from 1 to M.

  Returns:
    The labels that occur, ascending [C], and each example's place among them
    [M].

  Raises:
    ValueError: labels of another kind, no client, or more clients than
      examples.
  """
  labels = np.asarray(labels)
  if labels.ndim != 1 or labels.dtype.kind not in 'iu':
    raise ValueError(
      'A partition needs whole-number labels [M]; got '
      f'{labels.dtype} {list(labels.shape)}.'
    )
  if len(labels) and labels.min() < 0:
    raise ValueError(f'Labels must be at least 0; got {labels.min()}.')
  if num_clients < 1:
    raise ValueError(f'num_clients must be at least 1; got {num_clients}.')
  if num_clients > len(labels):
    raise ValueError(
      f'{num_clients} clients cannot share {len(labels)} examples: each needs '
      f'one. Lower num_clients to {len(labels)} at most, or use more examples.'
    )
  return np.unique(labels, return_inverse=True)


def indices_by_owner(owners: np.ndarray, num_clients: int) -> list[np.ndarray]:
  """Lists each client's examples.

  Args:
    owners: client of each example [M]; -1 where nobody has it.
    num_clients: number of clients N.

  Returns:
    N arrays int64 of ascending indices.
  """
  order = np.argsort(owners, kind='stable')
  sizes = np.bincount(owners[owners >= 0], minlength=num_clients)
  unused = len(owners) - sizes.sum()
  return np.split(order[unused:], np.cumsum(sizes)[:-1])


def owners_from_counts(
  classes: np.ndarray, counts: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
  """Gives each owner its number of random examples of each class.

  Args:
    classes: class of each example [M], from 0 to C - 1.
    counts: [N, C]; each column sums to that class' number of examples, or to
      less, which leaves examples unused.
    rng: chooses which.

  Returns:
    int64 [M], the owner of each example, or -1.
  """
  num_owners, num_classes = counts.shape
  totals = np.bincount(classes, minlength=num_classes)
  unused = totals - counts.sum(axis=0)  # [C]
  per_class = np.column_stack([counts.T, unused])  # [C, N + 1]
  cycle = np.append(np.arange(num_owners), -1)
  shuffled = rng.permutation(len(classes))
  by_class = shuffled[np.argsort(classes[shuffled], kind='stable')]
  owners = np.empty(len(classes), np.int64)
  owners[by_class] = np.repeat(np.tile(cycle, num_classes), per_class.ravel())
  return owners


def dealt(num_items: int, num_hands: int) -> np.ndarray:
  """Returns hand sizes [num_hands] that differ by at most 1."""
  sizes = np.full(num_hands, num_items // num_hands)
  sizes[: num_items % num_hands] += 1
  return sizes


def partition_generator(seed: int) -> np.random.Generator:
  """Returns the generator that partitions draw from."""
  return generator(seed, 'partition')
