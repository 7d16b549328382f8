"""Krum's scores: how far each update is from its nearest neighbours."""

from typing import Any, Optional

import tensorflow as tf

from flsec.aggregators.rule import ServerContext, check_num_byzantine
from flsec.numerics import columns, gram

REPLICATIONS = ('none', 'flbyz_2024', 'byzfl', 'flap')


def check_options(rule_name: str, num_byzantine: int, replication: str) -> None:
  """Refuses options out of their range.

  Raises:
    ValueError: negative `num_byzantine` or unknown `replication`.
  """
  check_num_byzantine(rule_name, num_byzantine)
  if replication not in REPLICATIONS:
    raise ValueError(
      f'{rule_name}: replication must be one of {", ".join(REPLICATIONS)}; '
      f'got {replication!r}.'
    )


def minimum_clients(num_byzantine: int, replication: str) -> tuple[int, str]:
  """Returns the fewest clients of a (published) variant, and why."""
  f = num_byzantine
  why = f'with f = num_byzantine = {f}'
  if replication == 'none':
    return 2 * f + 3, f'n >= 2 f + 3 {why}'
  if replication == 'flbyz_2024':
    return 2 * f + 2 + (f == 0), f'n >= 2 f + 2 and n >= 3 {why}'
  return max(2 * f + 1, 2), f'n > 2 f and n >= 2 {why}'


def krum_scores(
  updates: tf.Tensor,
  num_byzantine: int,
  replication: str = 'none',
  context: Optional[ServerContext] = None,
) -> tf.Tensor:
  """Returns float64 [n], each row's summed distance to its neighbours.

  Args:
    updates: float32 [n, d].
    num_byzantine: f.
    replication: 'none' adds squared L2 distances to the n - f - 2 nearest
      others; 'flbyz_2024' squares them once more; 'byzfl' takes n - f - 1
      neighbours; 'flap' adds plain distances, each the sum of the L2 norms of
      the weight tensors, to max(n - f - 2, 1) neighbours.
    context: for 'flap', which reads the layout.
  """
  rows = columns.num_rows(updates)
  neighbors = rows - num_byzantine - (1 if replication == 'byzfl' else 2)
  if replication == 'flap':
    layout = context.layout if context else None
    distances = _layerwise_distances(updates, layout)
    return score(distances, at_least_one(neighbors))
  distances = gram.squared_distances(updates)
  if replication == 'flbyz_2024':
    distances = tf.square(distances)
  return score(distances, neighbors)


def score(distances: tf.Tensor, num_neighbors: columns.Count) -> tf.Tensor:
  """Adds up the `num_neighbors` smallest distances to other rows.

  Args:
    distances: float64 [n, n].
    num_neighbors: at most n - 1.

  Returns:
    float64 [n].
  """
  others = tf.linalg.set_diag(
    distances, tf.fill(tf.shape(distances)[:1], distances.dtype.max)
  )
  return -tf.reduce_sum(tf.math.top_k(-others, num_neighbors)[0], axis=1)


def at_least_one(count: columns.Count) -> columns.Count:
  """Returns the count, or 1 where it is smaller."""
  return max(count, 1) if isinstance(count, int) else tf.maximum(count, 1)


def _layerwise_distances(updates: tf.Tensor, layout: Any) -> tf.Tensor:
  if layout is None:
    raise ValueError(
      "Krum's replication='flap' adds up one distance a weight tensor and "
      'needs the layout of the model; the context has none.'
    )
  spans = [span for layer in layout.layers for span in layer.spans.values()]
  return tf.add_n(
    [
      tf.sqrt(gram.squared_distances(updates[:, span.start : span.stop]))
      for span in spans
    ]
  )
