"""Krum: the update that is closest to its neighbours."""

import tensorflow as tf

from flsec import registry
from flsec.aggregators import krum_scores
from flsec.aggregators.rule import Measurements, Rule, ServerContext, stateless
from flsec.numerics import columns, selection


@registry.aggregator('krum', paper='Blanchard et al., NeurIPS 2017')
def krum(*, num_byzantine: int, replication: str = 'none') -> Rule:
  """The one update with the smallest summed distance to its neighbours.

  `argmin_i sum_{j in N(i)} ||x_i - x_j||^2`, N(i) the n - f - 2 nearest others.
  Ties go to the lowest client. Unweighted.

  Args:
    num_byzantine: f; needs n >= 2 f + 3 clients.
    replication: 'none', or a published variant. 'flbyz_2024'
      (FL-Byzantine-Library of 2024): distances to the fourth power. 'byzfl':
      n - f - 1 neighbours. 'flap' (the FLAP reference code): plain distances,
      added up over weight tensors, and the chosen update divided by n.

  Raises:
    ValueError: an option is out of its range.

  References:
    Blanchard et al. Machine learning with adversaries: Byzantine tolerant
    gradient descent. NeurIPS 2017, Section 4.
  """
  krum_scores.check_options('krum', num_byzantine, replication)

  def aggregate(
    updates: tf.Tensor, weights: tf.Tensor, context: ServerContext
  ) -> tuple[tf.Tensor, Measurements]:
    del weights
    scores = krum_scores.krum_scores(
      updates, num_byzantine, replication, context
    )
    chosen = selection.smallest(scores, 1)
    rows = columns.num_rows(updates)
    update = tf.gather(updates, chosen)[0]
    if replication == 'flap':
      update /= tf.cast(rows, tf.float32)
    return update, {'selected': selection.members(chosen, rows)}

  minimum, why = krum_scores.minimum_clients(num_byzantine, replication)
  return stateless(
    f'krum({num_byzantine=})',
    aggregate,
    minimum_clients=minimum,
    requirement=why,
    selects_rows=replication != 'flap',
    needs=frozenset({'layout'} if replication == 'flap' else ()),
  )
