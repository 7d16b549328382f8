"""How much of an attack escapes a defence: clients, and single coordinates.

Ratios are shares in [0, 1], NaN where there is no malicious client. Figures of
several rounds are averaged by the caller.

References:
  Özfatura, Özfatura, Küpçü, Gündüz. Aggressive or imperceptible, or both:
  network pruning assisted hybrid Byzantines in federated learning. Tables IV
  and V. The paper gives the numbers; the definitions are those of its code.
"""

from typing import Callable, NamedTuple, Optional

import tensorflow as tf

from flsec.numerics import columns


class BulyanEscape(NamedTuple):
  """What escapes Bulyan; float32 scalars.

  Attributes:
    client: malicious clients that step 1 selects / malicious clients.
    index: their entries that step 2 keeps / their entries; 0 where step 1
      selects none.
    cumulative: their entries that step 2 keeps / all malicious entries.
    impact: their entries that step 2 keeps / all entries that it keeps.
  """

  client: tf.Tensor
  index: tf.Tensor
  cumulative: tf.Tensor
  impact: tf.Tensor


def client_escape(selected: tf.Tensor, malicious: tf.Tensor) -> tf.Tensor:
  """Returns malicious clients with a share in the result / malicious clients.

  For Krum, Multi-Krum and other rules that select clients.

  Args:
    selected: float32 [n], shares (or bool, as 0 and 1).
    malicious: bool [n].
  """
  escaped = (tf.cast(selected, tf.float32) > 0) & malicious
  return _ratio(_count(escaped), _count(malicious))


def trimmed_mean_escape(
  updates: tf.Tensor,
  malicious: tf.Tensor,
  num_trimmed: columns.Count,
  selected: Optional[tf.Tensor] = None,
) -> tf.Tensor:
  """Returns malicious entries that survive trimming / malicious entries.

  Args:
    updates: float32 [n, d]; among equal entries the lower client ranks first.
    malicious: bool [n].
    num_trimmed: b, entries off each side of every coordinate; 2 b < n.
    selected: float32 [n], above 0 for the rows that the rule was given (a row
      that screening dropped does not escape); None: all.

  Raises:
    ValueError: num_trimmed is a number out of range.
  """
  rows = updates.shape[0]
  if isinstance(num_trimmed, int) and (
    num_trimmed < 0 or (rows is not None and 2 * num_trimmed >= rows)
  ):
    raise ValueError(
      'trimmed_mean_escape: num_trimmed must be 0 or more, and less than half '
      f'of n={rows}; got {num_trimmed}.'
    )
  kept = _kept_entries(
    updates, malicious, selected, lambda block: _trimmed(block, num_trimmed)
  )
  return _ratio(kept, _entries(malicious, updates))


def mean_around_median_escape(
  updates: tf.Tensor,
  malicious: tf.Tensor,
  num_byzantine: int,
  selected: Optional[tf.Tensor] = None,
) -> tf.Tensor:
  """Returns malicious entries near the median / malicious entries.

  Args:
    updates: float32 [n, d].
    malicious: bool [n].
    num_byzantine: f; the rule keeps the n - f entries closest to the median.
    selected: as in `trimmed_mean_escape`.
  """

  def nearest(block: tf.Tensor) -> tf.Tensor:
    return _nearest_median(block, tf.shape(block)[0] - num_byzantine)

  kept = _kept_entries(updates, malicious, selected, nearest)
  return _ratio(kept, _entries(malicious, updates))


def median_escape(
  updates: tf.Tensor,
  malicious: tf.Tensor,
  selected: Optional[tf.Tensor] = None,
) -> tf.Tensor:
  """Returns coordinates whose median is a malicious value / coordinates.

  The median of an even n is the mean of the two middle values, so both have to
  be malicious and equal, or to average to another malicious value.

  Args:
    updates: float32 [n, d].
    malicious: bool [n].
    selected: as in `trimmed_mean_escape`.
  """
  of_rows, is_bad = _rows_taken(malicious, selected)

  def taken(block: tf.Tensor) -> tf.Tensor:
    block = of_rows(block)
    is_hit = tf.equal(block, _middle(tf.sort(block, axis=0))) & is_bad[:, None]
    return tf.cast(tf.reduce_any(is_hit, axis=0), tf.float32)

  coordinates = tf.where(tf.reduce_any(malicious), float(updates.shape[1]), 0.0)
  return _ratio(_sum_columns(taken, updates), coordinates)


def bulyan_escape(
  updates: tf.Tensor,
  malicious: tf.Tensor,
  selected: tf.Tensor,
  num_byzantine: int,
  *,
  replication: str = 'none',
) -> BulyanEscape:
  """Returns what escapes the two steps of Bulyan.

  Args:
    updates: float32 [n, d].
    malicious: bool [n].
    selected: float32 [n], above 0 for the theta rows that step 1 selects.
    num_byzantine: f; step 2 keeps theta - 2 f entries.
    replication: which of the rule's step 2: 'none' keeps the entries closest
      to the median, 'flbyz' those left of f trimmed off each side.
  """
  is_chosen = selected > 0
  count = _count(is_chosen) - 2 * num_byzantine

  def survivors(block: tf.Tensor) -> tf.Tensor:
    if replication == 'flbyz':
      return _trimmed(block, num_byzantine)
    return _nearest_median(block, count)

  dimension = float(updates.shape[1])
  kept = _kept_entries(updates, malicious, selected, survivors)
  selected_bad = tf.cast(_count(is_chosen & malicious), tf.float32)
  bad = tf.cast(_count(malicious), tf.float32)
  index = tf.math.divide_no_nan(kept, selected_bad * dimension)
  return BulyanEscape(
    client=_ratio(selected_bad, bad),
    index=tf.where(bad > 0, index, float('nan')),
    cumulative=_ratio(kept, bad * dimension),
    impact=_ratio(kept, tf.cast(count, tf.float32) * dimension),
  )


def _kept_entries(
  updates: tf.Tensor,
  malicious: tf.Tensor,
  selected: Optional[tf.Tensor],
  survivors: Callable[[tf.Tensor], tf.Tensor],
) -> tf.Tensor:
  """Counts the malicious entries among those that a rule keeps.

  Args:
    updates, malicious, selected: as in `trimmed_mean_escape`.
    survivors: `block [m, c] of the rows taken -> int32 [k, c]`, the rows whose
      entries are kept in each column.
  """
  of_rows, is_bad = _rows_taken(malicious, selected)

  def count(block: tf.Tensor) -> tf.Tensor:
    kept = tf.gather(is_bad, survivors(of_rows(block)))  # [k, c]
    return tf.reduce_sum(tf.cast(kept, tf.float32), axis=0)

  return _sum_columns(count, updates)


def _rows_taken(
  malicious: tf.Tensor, selected: Optional[tf.Tensor]
) -> tuple[Callable[[tf.Tensor], tf.Tensor], tf.Tensor]:
  """Returns what leaves the rows taken in a block, and who is malicious."""
  if selected is None:
    return lambda block: block, malicious
  chosen = tf.where(selected > 0)[:, 0]
  return lambda block: tf.gather(block, chosen), tf.gather(malicious, chosen)


def _trimmed(block: tf.Tensor, num_trimmed: columns.Count) -> tf.Tensor:
  stop = tf.shape(block)[0] - num_trimmed
  return _order(block)[num_trimmed:stop]


def _nearest_median(block: tf.Tensor, count: columns.Count) -> tf.Tensor:
  """Returns int32 [count, c]: a tie between two sides takes the lower value."""
  order = tf.transpose(_order(block))  # [c, m]
  ranked = tf.transpose(tf.gather(tf.transpose(block), order, batch_dims=1))
  # The closest values are `count` neighbouring ranks. A rank gives way to the
  # one `count` above it while the middle of both is below the median.
  between = 0.5 * ranked[: tf.shape(block)[0] - count] + 0.5 * ranked[count:]
  is_passed = between < _middle(ranked)
  start = tf.reduce_sum(tf.cast(is_passed, tf.int32), axis=0)
  window = start[:, None] + tf.range(count)  # [c, count]
  return tf.transpose(tf.gather(order, window, batch_dims=1))


def _middle(ranked: tf.Tensor) -> tf.Tensor:
  rows = tf.shape(ranked)[0]
  return 0.5 * ranked[(rows - 1) // 2] + 0.5 * ranked[rows // 2]


def _order(block: tf.Tensor) -> tf.Tensor:
  """Returns int32 [n, c], each column's rows by value, ties by index."""
  order = tf.argsort(tf.transpose(block), axis=1, stable=True)
  return tf.transpose(order)


def _sum_columns(
  function: Callable[[tf.Tensor], tf.Tensor], updates: tf.Tensor
) -> tf.Tensor:
  """Adds up `function(block [n, c]) [c]`, whole numbers, over all columns."""
  counts = columns.ask(updates, columns.each(function))
  return tf.cast(tf.reduce_sum(tf.cast(counts, tf.float64)), tf.float32)


def _entries(malicious: tf.Tensor, updates: tf.Tensor) -> tf.Tensor:
  return tf.cast(_count(malicious), tf.float32) * float(updates.shape[1])


def _count(mask: tf.Tensor) -> tf.Tensor:
  return tf.reduce_sum(tf.cast(mask, tf.int32))


def _ratio(part: tf.Tensor, whole: tf.Tensor) -> tf.Tensor:
  part, whole = tf.cast(part, tf.float32), tf.cast(whole, tf.float32)
  is_defined = whole > 0
  ratio = part / tf.where(is_defined, whole, 1.0)
  return tf.where(is_defined, ratio, float('nan'))
