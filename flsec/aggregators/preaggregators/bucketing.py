"""Bucketing: updates are averaged in random buckets."""

import tensorflow as tf

from flsec import registry
from flsec.aggregators.preaggregator import PreAggregator
from flsec.aggregators.rule import ServerContext
from flsec.numerics import columns, selection
from flsec.numerics.random_order import random_order


@registry.preaggregator('bucketing', paper='Karimireddy et al., ICLR 2022')
def bucketing(*, bucket_size: int = 2) -> PreAggregator:
  """Averages the updates in random buckets of s clients.

  Clients are permuted anew in each round and cut into m = ceil(n / s) buckets,
  the last of which may be smaller; a bucket's row is the mean of its clients'
  rows, its weight the sum of their weights. A rule behind it sees up to f
  malicious rows among m, not among n.

  Args:
    bucket_size: s, 1 or more; larger than n gives one bucket.

  Raises:
    ValueError: bucket_size is below 1.

  References:
    Karimireddy, He, Jaggi. Byzantine-robust learning on heterogeneous datasets
    via bucketing. ICLR 2022, Algorithm 1.
  """
  if bucket_size < 1:
    raise ValueError(
      f'bucketing: bucket_size must be 1 or more; got {bucket_size}.'
    )

  def transform(
    updates: tf.Tensor, weights: tf.Tensor, context: ServerContext
  ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    rows = columns.num_rows(updates)
    buckets = (rows + bucket_size - 1) // bucket_size
    # place[i] is where client i stands in the permuted order.
    place = random_order(rows, context.seed)
    member = tf.transpose(tf.one_hot(place // bucket_size, buckets))  # [m, n]
    mixing = member / tf.reduce_sum(member, axis=1, keepdims=True)
    mixed = selection.weighted_sums(mixing, updates)
    return mixed, tf.linalg.matvec(member, weights), mixing

  return PreAggregator(
    f'bucketing({bucket_size=})',
    transform,
    clients_for_rows=lambda rows: (rows - 1) * bucket_size + 1,
    requirement=f'in buckets of bucket_size = {bucket_size}',
    needs=frozenset({'seed'}),
  )
