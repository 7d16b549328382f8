"""SignSGD with majority vote."""

import tensorflow as tf

from flsec import registry
from flsec.aggregators.rule import Measurements, Rule, ServerContext, stateless
from flsec.numerics import columns, selection


@registry.aggregator('sign_majority', paper='Bernstein et al., ICLR 2019')
def sign_majority() -> Rule:
  """Sign that most clients give each coordinate: -1, 0 or 1.

  `sign(sum_i sign(x_i))` with `sign(0) = 0`: a client may abstain, and a tied
  vote gives 0. The result has no scale; the server's learning rate sets it.
  Unweighted. `selected` is 1/n for every row.

  References:
    Bernstein et al. signSGD with majority vote is communication efficient and
    fault tolerant. ICLR 2019, Algorithm 1.
  """

  def vote(block: tf.Tensor) -> tf.Tensor:
    return tf.sign(tf.reduce_sum(tf.sign(block), axis=0))

  def aggregate(
    updates: tf.Tensor, weights: tf.Tensor, context: ServerContext
  ) -> tuple[tf.Tensor, Measurements]:
    del weights, context
    shares = selection.equal_shares(tf.ones([columns.num_rows(updates)]))
    return columns.ask(updates, columns.each(vote)), {'selected': shares}

  return stateless(
    'sign_majority', aggregate, has_shares=False, leaves_out_rows=False
  )
