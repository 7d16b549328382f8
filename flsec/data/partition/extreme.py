"""Clients cut from the examples sorted by label."""

import numpy as np

from flsec import registry
from flsec.data.partition import ownership


@registry.partition('extreme', paper='Gonzalez et al. (ByzFL), arXiv 2025')
def extreme(
  labels: np.ndarray, num_clients: int, *, seed: int = 0
) -> list[np.ndarray]:
  """Sort all examples by label and cut them into equal parts.

  Args:
    labels: whole numbers [M].
    num_clients: number of clients N.
    seed: shuffles the examples of a label before the cut.

  Returns:
    N ascending index arrays, disjoint, which use every example; sizes are
    floor(M / N), or one more for the first M mod N clients.

  Raises:
    ValueError: more clients than examples.
  """
  _, classes = ownership.checked_classes(labels, num_clients)
  owners = np.empty(len(classes), np.int64)
  rng = ownership.partition_generator(seed)
  owners[sorted_by_class(classes, rng)] = np.repeat(
    np.arange(num_clients), ownership.dealt(len(classes), num_clients)
  )
  return ownership.indices_by_owner(owners, num_clients)


def sorted_by_class(
  classes: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
  """Returns the examples' indices [M] by class, at random within a class."""
  shuffled = rng.permutation(len(classes))
  return shuffled[np.argsort(classes[shuffled], kind='stable')]
