"""A share of each client's examples is IID, the rest sorted by label."""

import numpy as np

from flsec import registry
from flsec.data.partition import ownership
from flsec.data.partition.extreme import sorted_by_class


@registry.partition(
  'gamma_similarity', paper='Karimireddy et al. (SCAFFOLD), ICML 2020'
)
def gamma_similarity(
  labels: np.ndarray, num_clients: int, *, gamma: float, seed: int = 0
) -> list[np.ndarray]:
  """Deal a share `gamma` at random and the rest sorted by label.

  floor(gamma M) random examples are dealt in equal parts; the others are
  sorted by label and cut into equal parts. gamma = 1 is `iid`, gamma = 0 is
  `extreme`.

  Args:
    labels: whole numbers [M].
    num_clients: number of clients N.
    gamma: the IID share, from 0 to 1.
    seed: of every draw.

  Returns:
    N ascending index arrays, disjoint, which use every example; sizes differ
    by at most 1.

  Raises:
    ValueError: gamma out of range, or more clients than examples.

  References:
    Karimireddy et al., "SCAFFOLD", ICML 2020 (similarity s %); Gonzalez et
    al., "ByzFL", arXiv 2025 (gamma_similarity_niid).
  """
  _, classes = ownership.checked_classes(labels, num_clients)
  if not 0 <= gamma <= 1:
    raise ValueError(f'gamma must be from 0 to 1; got {gamma}.')
  rng = ownership.partition_generator(seed)
  # 0.29 * 100 is 28.999999999999996.
  num_iid = int(gamma * len(classes) + 1e-9)
  shuffled = rng.permutation(len(classes))
  even, rest = shuffled[:num_iid], shuffled[num_iid:]
  rest = rest[sorted_by_class(classes[rest], rng)]
  sizes = ownership.dealt(len(classes), num_clients)
  even_sizes = ownership.dealt(num_iid, num_clients)
  owners = np.empty(len(classes), np.int64)
  owners[even] = np.repeat(np.arange(num_clients), even_sizes)
  owners[rest] = np.repeat(np.arange(num_clients), sizes - even_sizes)
  return ownership.indices_by_owner(owners, num_clients)
