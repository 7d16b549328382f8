"""Label skew drawn from a Dirichlet distribution."""

import numpy as np

from flsec import registry
from flsec.data.partition import ownership

_NUM_DRAWS = 10


@registry.partition('dirichlet', paper='Hsu et al., arXiv 2019')
def dirichlet(
  labels: np.ndarray,
  num_clients: int,
  *,
  alpha: float,
  by: str = 'client',
  min_samples: int = 1,
  seed: int = 0,
) -> list[np.ndarray]:
  """Draw label shares from Dirichlet(alpha), per client or per class.

  by='client': p_i ~ Dir(alpha 1_C) for each client i; class c, of M_c
  examples, is split as floor(M_c p_ic / sum_j p_jc). What the floors leave
  over goes, at random, to the clients with the fewest examples.

  by='class': q_c ~ Dir(alpha 1_N) for each class c over the clients; class c
  is cut at floor(M_c (q_c1 + ... + q_ci)).

  A draw that leaves a client with fewer than min_samples is drawn again, at
  most 10 times.

  Args:
    labels: whole numbers [M].
    num_clients: number of clients N.
    alpha: concentration, above 0: small is skewed, large is even.
    by: 'client' or 'class'.
    min_samples: the fewest examples that a client may have.
    seed: of every draw.

  Returns:
    N ascending index arrays, disjoint, which use every example.

  Raises:
    ValueError: option out of range, or a client short of examples after 10
      draws.

  References:
    Hsu, Qi and Brown, "Measuring the Effects of Non-Identical Data
    Distribution for Federated Visual Classification", arXiv 2019. Shares per
    client follow the released code of the hybrid sparse Byzantine attack.
  """
  _, classes = ownership.checked_classes(labels, num_clients)
  _check_options(alpha, by, min_samples)
  rng = ownership.partition_generator(seed)
  totals = np.bincount(classes)
  for _ in range(_NUM_DRAWS):
    counts = _draw_counts(totals, num_clients, alpha, by, rng)
    if counts.sum(axis=1).min() >= min_samples:
      owners = ownership.owners_from_counts(classes, counts, rng)
      return ownership.indices_by_owner(owners, num_clients)
  raise ValueError(
    f'Dirichlet(alpha={alpha}) left one of {num_clients} clients with '
    f'{counts.sum(axis=1).min()} of {len(classes)} examples, fewer than '
    f'min_samples={min_samples}, in {_NUM_DRAWS} draws. Raise alpha, lower '
    'num_clients or min_samples.'
  )


def _check_options(alpha: float, by: str, min_samples: int) -> None:
  if not alpha > 0 or not np.isfinite(alpha):
    raise ValueError(f'alpha must be above 0 and finite; got {alpha}.')
  if by not in ('client', 'class'):
    raise ValueError(f"by must be 'client' or 'class'; got {by!r}.")
  if min_samples < 0:
    raise ValueError(f'min_samples must be at least 0; got {min_samples}.')


def _draw_counts(
  totals: np.ndarray,
  num_clients: int,
  alpha: float,
  by: str,
  rng: np.random.Generator,
) -> np.ndarray:
  """Returns the number of examples [N, C] of one draw."""
  if by == 'class':
    shares = rng.dirichlet(np.full(num_clients, alpha), len(totals))  # [C, N]
    return counts_by_class(shares, totals)
  shares = rng.dirichlet(np.full(len(totals), alpha), num_clients)  # [N, C]
  counts = counts_by_client(shares, totals)
  return counts + spread_leftovers(
    counts.sum(axis=1), totals - counts.sum(axis=0), rng
  )


def counts_by_client(shares: np.ndarray, totals: np.ndarray) -> np.ndarray:
  """Splits each class in proportion to the clients' shares, rounded down.

  Args:
    shares: p [N, C], rows sum to 1.
    totals: M_c, examples per class [C].

  Returns:
    int64 [N, C]; columns sum to totals or less.
  """
  sums = shares.sum(axis=0)
  # A class that no client drew (tiny alpha) is left over as a whole.
  scaled = shares / np.where(sums > 0, sums, 1.0) * totals
  # 0.1 + 0.2 style errors must not cost an example that divides exactly.
  return np.floor(scaled + 1e-9).astype(np.int64)


def counts_by_class(shares: np.ndarray, totals: np.ndarray) -> np.ndarray:
  """Cuts each class at the clients' cumulative shares.

  Args:
    shares: q [C, N], rows sum to 1.
    totals: M_c, examples per class [C].

  Returns:
    int64 [N, C]; columns sum to totals.
  """
  cuts = np.floor(np.cumsum(shares, axis=1) * totals[:, None] + 1e-9)
  cuts[:, -1] = totals  # The last sum may be 1 - 1e-16.
  return np.diff(cuts, axis=1, prepend=0).astype(np.int64).T


def spread_leftovers(
  sizes: np.ndarray, leftovers: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
  """Gives left-over examples, one by one, to the client with the fewest.

  Args:
    sizes: examples per client so far [N].
    leftovers: left-over examples per class [C].
    rng: shuffles the left-over classes.

  Returns:
    int64 [N, C], to be added.
  """
  needs = fill_lowest(sizes, int(leftovers.sum()))
  kinds = rng.permutation(np.repeat(np.arange(len(leftovers)), leftovers))
  added = np.zeros((len(sizes), len(leftovers)), np.int64)
  np.add.at(added, (np.repeat(np.arange(len(sizes)), needs), kinds), 1)
  return added


def fill_lowest(sizes: np.ndarray, amount: int) -> np.ndarray:
  """Returns what each gets when the lowest always gets the next unit.

  The same as a loop over units with ties to the lowest index, in one sort:
  the lowest are filled up to a common level, the rest goes by index.

  Args:
    sizes: [N].
    amount: units to give out.
  """
  order = np.sort(sizes)
  # cost[k]: units that lift the k + 1 lowest to the level of the k-th.
  cost = order * np.arange(1, len(order) + 1) - np.cumsum(order)
  lifted = int(np.searchsorted(cost, amount, side='right'))
  level = (amount + int(order[:lifted].sum())) // lifted
  gifts = np.maximum(level - sizes, 0)
  at_level = np.flatnonzero(sizes + gifts == level)
  gifts[at_level[: amount - int(gifts.sum())]] += 1
  return gifts
