"""The coordinate-wise median."""

import tensorflow as tf

from flsec import registry
from flsec.aggregators.rule import Measurements, Rule, ServerContext, stateless
from flsec.numerics import columns, order_statistics, selection


@registry.aggregator('median', paper='Yin et al., ICML 2018')
def median() -> Rule:
  """Median of each coordinate; the two middle values' mean for an even n.

  Unweighted. `selected` is 1/n for every row: which row gave which coordinate
  is not tracked.

  References:
    Yin et al. Byzantine-robust distributed learning: towards optimal
    statistical rates. ICML 2018, Definition 1.
  """

  def aggregate(
    updates: tf.Tensor, weights: tf.Tensor, context: ServerContext
  ) -> tuple[tf.Tensor, Measurements]:
    del weights, context
    shares = selection.equal_shares(tf.ones([columns.num_rows(updates)]))
    return order_statistics.median(updates), {'selected': shares}

  return stateless('median', aggregate, has_shares=False, leaves_out_rows=False)
