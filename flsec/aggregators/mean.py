"""The weighted mean of all updates (FedAvg)."""

import tensorflow as tf

from flsec import registry
from flsec.aggregators.rule import Measurements, Rule, ServerContext, stateless
from flsec.numerics import columns, selection


@registry.aggregator('mean', paper='McMahan et al., AISTATS 2017')
def mean(*, weighted: bool = True) -> Rule:
  """Mean of the updates, weighted by each client's number of examples.

  `sum_i w_i x_i / sum_i w_i`; the zero update where all weights are 0. Not
  robust: a single client moves the result anywhere.

  Args:
    weighted: False gives every client the weight 1.

  References:
    McMahan et al. Communication-efficient learning of deep networks from
    decentralized data. AISTATS 2017, Algorithm 1.
  """

  def aggregate(
    updates: tf.Tensor, weights: tf.Tensor, context: ServerContext
  ) -> tuple[tf.Tensor, Measurements]:
    del context
    if not weighted:
      weights = tf.ones([columns.num_rows(updates)])
    shares = selection.equal_shares(weights)
    return selection.weighted_sum(shares, updates), {'selected': shares}

  return stateless(
    'mean',
    aggregate,
    is_weighted_mean=weighted,
    selects_rows=True,
    leaves_out_rows=False,
  )
