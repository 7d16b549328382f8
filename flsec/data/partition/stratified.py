"""Every client has the same share of each class."""

import numpy as np

from flsec import registry
from flsec.data.partition import ownership


@registry.partition('stratified', paper='Han et al. (FLPoison), arXiv 2025')
def stratified(
  labels: np.ndarray, num_clients: int, *, seed: int = 0
) -> list[np.ndarray]:
  """Deal out each class in equal parts: homogeneous labels.

  A client's number of examples of a class is floor(M_c / N) or one more; the
  deal goes on from class to class, so that sizes differ by at most 1 too.

  Args:
    labels: whole numbers [M].
    num_clients: number of clients N.
    seed: of the shuffles.

  Returns:
    N ascending index arrays, disjoint, which use every example.

  Raises:
    ValueError: more clients than examples.
  """
  _, classes = ownership.checked_classes(labels, num_clients)
  rng = ownership.partition_generator(seed)
  shuffled = rng.permutation(len(classes))
  by_class = shuffled[np.argsort(classes[shuffled], kind='stable')]
  # Without the shuffle of clients, low ids would always get the larger parts.
  deal = rng.permutation(num_clients)
  owners = np.empty(len(classes), np.int64)
  owners[by_class] = deal[np.arange(len(classes)) % num_clients]
  return ownership.indices_by_owner(owners, num_clients)
