"""Every client's examples are a uniform draw from all."""

import numpy as np

from flsec import registry
from flsec.data.partition import ownership


@registry.partition('iid', paper='McMahan et al., AISTATS 2017')
def iid(
  labels: np.ndarray,
  num_clients: int,
  *,
  drop_remainder: bool = False,
  seed: int = 0,
) -> list[np.ndarray]:
  """Shuffle all examples and deal them out in equal parts.

  Client sizes are floor(M / N), or one more for the first M mod N clients.

  Args:
    labels: whole numbers [M].
    num_clients: number of clients N.
    drop_remainder: leave the last M mod N examples unused instead, so that
      all clients have the same size.
    seed: of the shuffle.

  Returns:
    N ascending index arrays, disjoint.

  Raises:
    ValueError: more clients than examples.
  """
  ownership.checked_classes(labels, num_clients)
  sizes = ownership.dealt(len(labels), num_clients)
  if drop_remainder:
    sizes = np.full(num_clients, len(labels) // num_clients)
  owners = np.full(len(labels), -1)
  owners[: sizes.sum()] = np.repeat(np.arange(num_clients), sizes)
  shuffled = np.empty_like(owners)
  rng = ownership.partition_generator(seed)
  shuffled[rng.permutation(len(labels))] = owners
  return ownership.indices_by_owner(shuffled, num_clients)
