"""Bulyan: Krum's selection, then the values closest to the median."""

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
from flsec.aggregators.ties import tie_order
from flsec.numerics import columns, gram, order_statistics, selection

REPLICATIONS = ('none', 'flbyz')


@registry.aggregator('bulyan', paper='El Mhamdi et al., ICML 2018')
def bulyan(*, num_byzantine: int, replication: str = 'none') -> Rule:
  """Mean of the values closest to the median, among rows that Krum selects.

  1. theta = n - 2 f rows are chosen one after the other: each time Krum's
     choice among the n' rows that are left, scored by their n' - f - 2 nearest
     neighbours (none where that is below 1). Where f <= 2 the last choices are
     ties, as a pair of nearest neighbours has one score. Ties go by an order
     drawn anew in each round: by the lowest client they would go to the
     malicious ones, wherever these come first.
  2. In each coordinate, the mean of the theta - 2 f values closest to the
     median of the theta; a tie between two sides takes the lower value.

  Unweighted. `selected` is 1/theta for the rows of step 1; their shares of the
  result, which step 2 settles, are not tracked.

  Args:
    num_byzantine: f; needs n >= 4 f + 3 clients.
    replication: 'none', or 'flbyz' (FL-Byzantine-Library): the theta lowest
      scores at once, ties to the lowest client, and their trimmed mean with f
      values off on each side.

  Raises:
    ValueError: an option is out of its range.

  References:
    El Mhamdi, Guerraoui, Rouault. The hidden vulnerability of distributed
    learning in Byzantium. ICML 2018, Section 4.
  """
  check_num_byzantine('bulyan', num_byzantine)
  if replication not in REPLICATIONS:
    raise ValueError(
      f'bulyan: replication must be one of {", ".join(REPLICATIONS)}; got '
      f'{replication!r}.'
    )

  def choose_and_combine(
    updates: tf.Tensor, scored: tf.Tensor, context: ServerContext
  ) -> tuple[tf.Tensor, Measurements]:
    rows = columns.num_rows(updates)
    theta = rows - 2 * num_byzantine
    distances = gram.squared_distances(scored)
    if replication == 'flbyz':
      scores = krum_scores.score(distances, rows - num_byzantine - 2)
      chosen = selection.smallest(scores, theta)
      update = order_statistics.mean_of_ranks(
        updates, num_byzantine, theta - num_byzantine - 1, chosen
      )
    else:
      tied = tie_order('bulyan', rows, context)
      chosen = select(distances, num_byzantine, theta, tied)
      update = order_statistics.mean_nearest_median(
        updates, theta - 2 * num_byzantine, chosen
      )
    mask = selection.members(chosen, rows)
    return update, {'selected': selection.equal_shares(mask)}

  return stateless(
    f'bulyan({num_byzantine=})',
    choose_and_combine,
    minimum_clients=4 * num_byzantine + 3,
    requirement=f'n >= 4 f + 3 with f = num_byzantine = {num_byzantine}',
    needs=frozenset({'seed'} if replication == 'none' else ()),
    takes_scored_rows=True,
    has_shares=False,
  )


def select(
  distances: tf.Tensor,
  num_byzantine: int,
  count: columns.Count,
  tied: tf.Tensor,
) -> tf.Tensor:
  """Chooses rows one by one, each Krum's choice among those left.

  Args:
    distances: float64 [n, n], squared.
    num_byzantine: f.
    count: rows to choose.
    tied: int32 [n], the order in which rows of one score are taken.

  Returns:
    int32 [count], ascending.
  """
  rows = columns.num_rows(distances)
  far = distances.dtype.max
  others = tf.linalg.set_diag(distances, tf.fill([rows], far))
  order = tf.argsort(others, axis=1, stable=True)[:, :-1]  # Without itself.
  ascending = tf.gather(distances, order, batch_dims=1)  # [n, n - 1]

  def choose(step: tf.Tensor, is_left: tf.Tensor) -> tuple[tf.Tensor, ...]:
    # Scores are added up anew: subtracting a far row's distance from a running
    # sum would leave rounding errors larger than the honest distances.
    left = tf.gather(is_left, order)  # [n, n - 1]
    rank = tf.cumsum(tf.cast(left, tf.int32), axis=1)
    is_neighbor = left & (rank <= rows - step - num_byzantine - 2)
    scores = tf.reduce_sum(
      tf.where(is_neighbor, ascending, tf.zeros_like(ascending)), axis=1
    )
    in_order = tf.gather(tf.where(is_left, scores, far), tied)
    best = tf.gather(tied, tf.argmin(in_order, output_type=tf.int32))
    return step + 1, is_left & (tf.range(rows) != best)

  _, is_left = tf.while_loop(
    lambda step, _: step < count,
    choose,
    (tf.constant(0), tf.ones([rows], tf.bool)),
  )
  # A sort and not tf.where: XLA wants to know how many there are.
  return selection.smallest(tf.cast(is_left, tf.int32), count)
