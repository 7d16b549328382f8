"""The coordinate-wise trimmed mean."""

from typing import Optional

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


@registry.aggregator('trimmed_mean', paper='Yin et al., ICML 2018')
def trimmed_mean(
  *,
  num_byzantine: Optional[int] = None,
  trim_fraction: Optional[float] = None,
) -> Rule:
  """Mean of each coordinate without its b largest and b smallest values.

  b is `num_byzantine`, or `floor(trim_fraction * n)`; with b = 0 it is the
  plain mean. Unweighted. `selected` is 1/n for every row: which values were cut
  is not tracked.

  Args:
    num_byzantine: b; needs n > 2 b clients.
    trim_fraction: share cut on each side, 0 to below 0.5.

  Raises:
    ValueError: not exactly one of the two is given, or it is out of range.

  References:
    Yin et al. Byzantine-robust distributed learning: towards optimal
    statistical rates. ICML 2018, Definition 2.
  """
  if (num_byzantine is None) == (trim_fraction is None):
    raise ValueError(
      'trimmed_mean takes exactly one of num_byzantine and trim_fraction; got '
      f'num_byzantine={num_byzantine}, trim_fraction={trim_fraction}.'
    )
  if trim_fraction is not None and not 0 <= trim_fraction < 0.5:
    raise ValueError(
      'trimmed_mean: trim_fraction must be at least 0 and below 0.5 (that '
      f'share is cut on both sides); got {trim_fraction}.'
    )
  if num_byzantine is not None:
    check_num_byzantine('trimmed_mean', num_byzantine)

  def aggregate(
    updates: tf.Tensor, weights: tf.Tensor, context: ServerContext
  ) -> tuple[tf.Tensor, Measurements]:
    del weights, context
    rows = columns.num_rows(updates)
    cut = num_trimmed(rows, num_byzantine, trim_fraction)
    update = order_statistics.mean_of_ranks(updates, cut, rows - cut - 1)
    return update, {'selected': selection.equal_shares(tf.ones([rows]))}

  if num_byzantine is None:
    return stateless(
      f'trimmed_mean({trim_fraction=})',
      aggregate,
      has_shares=False,
      leaves_out_rows=False,
    )
  return stateless(
    f'trimmed_mean({num_byzantine=})',
    aggregate,
    minimum_clients=2 * num_byzantine + 1,
    requirement=f'n > 2 f with f = num_byzantine = {num_byzantine}',
    has_shares=False,
    leaves_out_rows=False,
  )


def num_trimmed(
  rows: columns.Count,
  num_byzantine: Optional[int],
  trim_fraction: Optional[float],
) -> columns.Count:
  """Returns b, the values that `trimmed_mean` cuts on each side of n rows."""
  if trim_fraction is None:
    return num_byzantine
  # 0.29 * 100 is 28.999999999999996 in floating point.
  slack = 1e-9
  if isinstance(rows, int):
    return int(trim_fraction * rows + slack)
  return tf.cast(trim_fraction * tf.cast(rows, tf.float64) + slack, tf.int32)
