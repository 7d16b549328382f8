"""Multi-Krum: the mean of the updates with the lowest Krum scores."""

from typing import Optional

import tensorflow as tf

from flsec import registry
from flsec.aggregators import krum_scores
from flsec.aggregators.rule import Measurements, Rule, ServerContext, stateless
from flsec.numerics import columns, selection


@registry.aggregator('multi_krum', paper='Blanchard et al., NeurIPS 2017')
def multi_krum(
  *,
  num_byzantine: int,
  num_selected: Optional[int] = None,
  replication: str = 'none',
) -> Rule:
  """Mean of the m updates with the smallest Krum scores.

  Scores are those of `krum`. Ties go to the lowest client. Unweighted.

  Args:
    num_byzantine: f; needs n >= 2 f + 3 clients.
    num_selected: m, 1 to n; default n - f - 2 (n - f for 'byzfl').
    replication: 'none', or a published variant. 'flbyz_2024'
      (FL-Byzantine-Library of 2024): distances to the fourth power, and the sum
      of the rows instead of their mean. 'byzfl': n - f - 1 neighbours. 'flap'
      (the FLAP reference code): plain distances added up over weight tensors,
      m = max(n - f - 2, 1), and the sum of the rows divided by n.

  Raises:
    ValueError: an option is out of its range.

  References:
    Blanchard et al. Machine learning with adversaries: Byzantine tolerant
    gradient descent. NeurIPS 2017, Section 5.
  """
  krum_scores.check_options('multi_krum', num_byzantine, replication)
  _check_num_selected(num_selected)

  def aggregate(
    updates: tf.Tensor, weights: tf.Tensor, context: ServerContext
  ) -> tuple[tf.Tensor, Measurements]:
    del weights
    rows = columns.num_rows(updates)
    count = num_selected
    if count is None:
      count = krum_scores.at_least_one(
        rows - num_byzantine - (0 if replication == 'byzfl' else 2)
      )
    scores = krum_scores.krum_scores(
      updates, num_byzantine, replication, context
    )
    mask = selection.members(selection.smallest(scores, count), rows)
    shares = selection.equal_shares(mask)
    if replication == 'flbyz_2024':
      coefficients = mask
    elif replication == 'flap':
      coefficients = mask / tf.cast(rows, tf.float32)
    else:
      coefficients = shares
    update = selection.weighted_sum(coefficients, updates)
    return update, {'selected': shares}

  minimum, why = krum_scores.minimum_clients(num_byzantine, replication)
  if num_selected is not None and num_selected > minimum:
    minimum, why = num_selected, f'num_selected = {num_selected}'
  return stateless(
    f'multi_krum({num_byzantine=}, {num_selected=})',
    aggregate,
    minimum_clients=minimum,
    requirement=why,
    selects_rows=replication not in ('flap', 'flbyz_2024'),
    needs=frozenset({'layout'} if replication == 'flap' else ()),
  )


def _check_num_selected(num_selected: Optional[int]) -> None:
  if num_selected is not None and num_selected < 1:
    raise ValueError(
      f'multi_krum: num_selected must be 1 or more; got {num_selected}.'
    )
