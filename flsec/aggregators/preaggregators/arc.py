"""Adaptive robust clipping: the longest updates shrink to the next one."""

import tensorflow as tf

from flsec import registry
from flsec.aggregators.centered_clipping import clip_factors
from flsec.aggregators.preaggregator import PreAggregator
from flsec.aggregators.preaggregators.clipping import scale_rows
from flsec.aggregators.rule import ServerContext, check_num_byzantine
from flsec.numerics import columns, gram


@registry.preaggregator('arc', paper='Allouah et al., ICLR 2025')
def arc(*, num_byzantine: int) -> PreAggregator:
  """Clips the k longest updates to the norm of the next one (ARC).

  `k = floor(2 (f / n) (n - f))`; with norms in descending order the radius is
  the (k + 1)-th, so that f = 0 clips nothing.

  Args:
    num_byzantine: f; needs n > 2 f clients.

  Raises:
    ValueError: num_byzantine is negative.

  References:
    Allouah, Guerraoui, Gupta, Jellouli, Rizk, Stephan. Adaptive gradient
    clipping for robust federated learning. ICLR 2025.
  """
  check_num_byzantine('arc', num_byzantine)

  def transform(
    updates: tf.Tensor, weights: tf.Tensor, context: ServerContext
  ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    del context
    rows = columns.num_rows(updates)
    num_clipped = 2 * num_byzantine * (rows - num_byzantine) // rows
    squares = gram.squared_norms(updates)
    radius = tf.sqrt(tf.sort(squares)[rows - 1 - num_clipped])
    return scale_rows(updates, weights, _factors(squares, radius))

  return PreAggregator(
    f'arc({num_byzantine=})',
    transform,
    clients_for_rows=lambda rows: max(rows, 2 * num_byzantine + 1),
    requirement=f'n > 2 f with f = num_byzantine = {num_byzantine}',
  )


def _factors(squares: tf.Tensor, radius: tf.Tensor) -> tf.Tensor:
  # Where most rows are zero the radius is 0, and so is every clipped row.
  vanishes = (squares > 0) & (radius == 0)
  factors = clip_factors(squares, radius)
  return tf.where(vanishes, tf.zeros_like(factors), factors)
