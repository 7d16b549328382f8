"""The mean of the values around the median."""

import tensorflow as tf

from flsec import registry
from flsec.aggregators.rule import (
  Measurements,
  Rule,
  ServerContext,
  check_num_byzantine,
  stateless,
)
from flsec.numerics import columns, order_statistics, selection


@registry.aggregator('mean_around_median', paper='Xie et al., arXiv 2018')
def mean_around_median(*, num_byzantine: int) -> Rule:
  """Mean of each coordinate's n - f values that are closest to its median.

  A tie between two sides of the median takes the lower value. Unweighted.
  `selected` is 1/n for every row: which values were cut is not tracked.

  Args:
    num_byzantine: f; needs n > 2 f clients.

  Raises:
    ValueError: num_byzantine is negative.

  References:
    Xie, Koyejo, Gupta. Generalized Byzantine-tolerant SGD. arXiv:1802.10116,
    2018, Definition 5 (mean around median).
  """
  check_num_byzantine('mean_around_median', num_byzantine)

  def aggregate(
    updates: tf.Tensor, weights: tf.Tensor, context: ServerContext
  ) -> tuple[tf.Tensor, Measurements]:
    del weights, context
    rows = columns.num_rows(updates)
    update = order_statistics.mean_nearest_median(updates, rows - num_byzantine)
    return update, {'selected': selection.equal_shares(tf.ones([rows]))}

  return stateless(
    f'mean_around_median({num_byzantine=})',
    aggregate,
    minimum_clients=2 * num_byzantine + 1,
    requirement=f'n > 2 f with f = num_byzantine = {num_byzantine}',
    has_shares=False,
    leaves_out_rows=False,
  )
