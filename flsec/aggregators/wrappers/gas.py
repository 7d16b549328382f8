"""GAS: gradient splitting, scores from many small groups of coordinates."""

import tensorflow as tf

from flsec import registry
from flsec.aggregators import krum_scores
from flsec.aggregators.rule import (
  Measurements,
  Rule,
  ServerContext,
  check_num_byzantine,
  stateless,
)
from flsec.aggregators.wrappers import group_rules
from flsec.numerics import columns, selection
from flsec.numerics.coordinate_groups import Block, sum_over_groups

BASES = ('krum', 'bulyan')
# Replication -> the base that it is a variant of.
REPLICATIONS = {'none': None, 'bug_compat': 'bulyan', 'flbyz_2024': 'krum'}


@registry.aggregator('gas', paper='Liu et al., ICML 2023')
def gas(
  *,
  num_byzantine: int,
  num_groups: int = 1000,
  base: str = 'krum',
  replication: str = 'none',
) -> Rule:
  """Mean of the updates that stay close to a robust mean in most groups.

  1. The coordinates, in a random order drawn anew each round, are cut into
     groups of ceil(d / p); the last is smaller.
  2. In group q the base rule gives a_q, and client i collects
     `s_i += ||x_i^q - a_q||` (not squared).
  3. The result is the mean of the n - f updates of smallest s_i, ties to the
     lowest client. Unweighted.

  Inside GAS, Krum is the mean of the n - f rows of lowest Krum score, and
  Bulyan the mean of the n - 4 f values closest to the median of the n - 2 f
  rows of lowest score (chosen at once), as in the authors' code.

  Args:
    num_byzantine: f; needs n >= 2 f + 3 clients with Krum, 4 f + 3 with Bulyan.
    num_groups: p, 1 or more; d groups of one coordinate where it is above d.
      One group keeps its coordinates in float64: the fewer groups, the more
      memory.
    base: 'krum' or 'bulyan'.
    replication: 'none', or a published variant. 'bug_compat' (the authors' code
      and FL-Byzantine-Library, base 'bulyan'): a_q is the mean of the n - 4 f
      smallest distances to the lower median, not of the values. 'flbyz_2024'
      (FL-Byzantine-Library of 2024, base 'krum'): Krum is told that n - f - 2
      rows are malicious, and averages f + 2 of them.

  Raises:
    ValueError: an option is out of its range.

  References:
    Liu, Chen, Lyu, Wu, Wu, Chen. Byzantine-robust learning on heterogeneous
    data via gradient splitting. ICML 2023, Algorithm 1.
  """
  check_num_byzantine('gas', num_byzantine)
  _check(num_groups, base, replication)

  def aggregate(
    updates: tf.Tensor, weights: tf.Tensor, context: ServerContext
  ) -> tuple[tf.Tensor, Measurements]:
    del weights
    rows = columns.num_rows(updates)
    assumed = num_byzantine
    if replication == 'flbyz_2024':
      assumed = krum_scores.at_least_one(rows - num_byzantine - 2)

    def distances(block: Block) -> tf.Tensor:
      if base == 'krum':
        return group_rules.distances_to_krum(block, assumed)
      return group_rules.distances_to_bulyan(
        block, num_byzantine, averages_deviations=replication == 'bug_compat'
      )

    scores = sum_over_groups(distances, updates, num_groups, context.seed)
    kept = selection.smallest(scores, rows - num_byzantine)
    shares = selection.equal_shares(selection.members(kept, rows))
    return selection.weighted_sum(shares, updates), {'selected': shares}

  factor = BASES.index(base) * 2 + 2
  return stateless(
    f'gas({num_byzantine=}, {num_groups=}, {base=})',
    aggregate,
    minimum_clients=factor * num_byzantine + 3,
    requirement=f'n >= {factor} f + 3 with f = num_byzantine = {num_byzantine}',
    needs=frozenset({'seed'}),
    selects_rows=True,
  )


def _check(num_groups: int, base: str, replication: str) -> None:
  if num_groups < 1:
    raise ValueError(f'gas: num_groups must be 1 or more; got {num_groups}.')
  if base not in BASES:
    raise ValueError(f'gas: base must be krum or bulyan; got {base!r}.')
  if replication not in REPLICATIONS:
    raise ValueError(
      f'gas: replication must be one of {", ".join(REPLICATIONS)}; got '
      f'{replication!r}.'
    )
  if REPLICATIONS[replication] not in (None, base):
    raise ValueError(
      f'gas: replication={replication!r} is a variant of '
      f'base={REPLICATIONS[replication]!r}; got base={base!r}. Change one.'
    )
