"""Nearest-neighbor mixing: each update becomes its neighbourhood's mean."""

import tensorflow as tf

from flsec import registry
from flsec.aggregators.preaggregator import PreAggregator
from flsec.aggregators.rule import ServerContext, check_num_byzantine
from flsec.numerics import columns, gram, selection


@registry.preaggregator(
  'nearest_neighbor_mixing', paper='Allouah et al., AISTATS 2023'
)
def nearest_neighbor_mixing(*, num_byzantine: int) -> PreAggregator:
  """Replaces each update by the mean of its n - f nearest ones (NNM).

  Itself included, by L2 distance; ties go to the lowest client. Weights of the
  new rows are the means of the neighbours' weights.

  Args:
    num_byzantine: f; needs n > 2 f clients.

  Raises:
    ValueError: num_byzantine is negative.

  References:
    Allouah et al. Fixing by mixing: a recipe for optimal Byzantine ML under
    heterogeneity. AISTATS 2023.
  """
  check_num_byzantine('nearest_neighbor_mixing', num_byzantine)

  def transform(
    updates: tf.Tensor, weights: tf.Tensor, context: ServerContext
  ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    del context
    rows = columns.num_rows(updates)
    count = rows - num_byzantine
    distances = gram.squared_distances(updates)
    # A row is its own first neighbour, also among identical rows.
    distances = tf.linalg.set_diag(distances, -tf.ones([rows], tf.float64))
    nearest = tf.argsort(distances, axis=1, stable=True)[:, :count]
    mask = tf.reduce_sum(tf.one_hot(nearest, rows), axis=1)  # [n, n]
    mixing = mask / tf.cast(count, tf.float32)
    mixed = selection.weighted_sums(mixing, updates)
    mixed = tf.ensure_shape(mixed, updates.shape)
    return mixed, tf.linalg.matvec(mixing, weights), mixing

  return PreAggregator(
    f'nearest_neighbor_mixing({num_byzantine=})',
    transform,
    clients_for_rows=lambda rows: max(rows, 2 * num_byzantine + 1),
    requirement=f'n > 2 f with f = num_byzantine = {num_byzantine}',
  )
