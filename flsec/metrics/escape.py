"""How much of an attack escapes a defence: clients, and single coordinates.

Ratios are shares in [0, 1], NaN where there is no malicious client. Figures of
several rounds are averaged by the caller.

References:
  Özfatura, Özfatura, Küpçü, Gündüz. Aggressive or imperceptible, or both:
  network pruning assisted hybrid Byzantines in federated learning. Tables IV
  and V. The paper gives the numbers; the definitions are those of its code.
"""

from typing import Callable, NamedTuple

import tensorflow as tf

# Columns in a block: ranks take two tensors of the block's size.
_BLOCK_COLUMNS = 65536


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
  updates: tf.Tensor, malicious: tf.Tensor, num_trimmed: int
) -> tf.Tensor:
  """Returns malicious entries that survive trimming / malicious entries.

  Args:
    updates: float32 [n, d]; among equal entries the lower client ranks first.
    malicious: bool [n].
    num_trimmed: b, entries off each side of every coordinate; 2 b < n.

  Raises:
    ValueError: num_trimmed is out of range.
  """
  rows = updates.shape[0]
  if num_trimmed < 0 or (rows is not None and 2 * num_trimmed >= rows):
    raise ValueError(
      'trimmed_mean_escape: num_trimmed must be 0 or more, and less than half '
      f'of n={rows}; got {num_trimmed}.'
    )

  def survivors(block: tf.Tensor) -> tf.Tensor:
    ranked = tf.gather(malicious, _order(block))  # [n, c]
    stop = tf.shape(block)[0] - num_trimmed
    return _count_rows(ranked[num_trimmed:stop])

  entries = tf.cast(_count(malicious), tf.float32) * updates.shape[1]
  return _ratio(_sum_columns(survivors, updates), entries)


def median_escape(updates: tf.Tensor, malicious: tf.Tensor) -> tf.Tensor:
  """Returns coordinates whose median is a malicious value / coordinates.

  The median of an even n is the mean of the two middle values, so both have to
  be malicious and equal, or to average to another malicious value.

  Args:
    updates: float32 [n, d].
    malicious: bool [n].
  """

  def taken(block: tf.Tensor) -> tf.Tensor:
    ranked = tf.sort(block, axis=0)
    rows = tf.shape(block)[0]
    median = 0.5 * ranked[(rows - 1) // 2] + 0.5 * ranked[rows // 2]
    is_hit = (block == median) & malicious[:, None]
    return tf.cast(tf.reduce_any(is_hit, axis=0), tf.float32)

  coordinates = tf.where(tf.reduce_any(malicious), float(updates.shape[1]), 0.0)
  return _ratio(_sum_columns(taken, updates), coordinates)


def bulyan_escape(
  updates: tf.Tensor,
  malicious: tf.Tensor,
  selected: tf.Tensor,
  num_byzantine: int,
) -> BulyanEscape:
  """Returns what escapes the two steps of Bulyan.

  Args:
    updates: float32 [n, d].
    malicious: bool [n].
    selected: float32 [n], above 0 for the theta rows that step 1 selects.
    num_byzantine: f; step 2 keeps the theta - 2 f entries closest to the
      median, among equally close ones those of the lower client.
  """
  chosen = tf.where(selected > 0)[:, 0]
  is_bad = tf.gather(malicious, chosen)  # [theta]
  rows = tf.gather(updates, chosen)
  count = tf.shape(chosen)[0] - 2 * num_byzantine

  def survivors(block: tf.Tensor) -> tf.Tensor:
    ranked = tf.sort(block, axis=0)
    size = tf.shape(block)[0]
    median = 0.5 * ranked[(size - 1) // 2] + 0.5 * ranked[size // 2]
    nearest = _order(tf.abs(block - median))[:count]
    return _count_rows(tf.gather(is_bad, nearest))

  dimension = float(updates.shape[1])
  kept = _sum_columns(survivors, rows)
  selected_bad = tf.cast(_count(is_bad), tf.float32)
  bad = tf.cast(_count(malicious), tf.float32)
  index = tf.math.divide_no_nan(kept, selected_bad * dimension)
  return BulyanEscape(
    client=_ratio(selected_bad, bad),
    index=tf.where(bad > 0, index, float('nan')),
    cumulative=_ratio(kept, bad * dimension),
    impact=_ratio(kept, tf.cast(count, tf.float32) * dimension),
  )


def _order(block: tf.Tensor) -> tf.Tensor:
  """Returns int32 [n, c], each column's rows by value, ties by index."""
  order = tf.argsort(tf.transpose(block), axis=1, stable=True)
  return tf.transpose(order)


def _count_rows(mask: tf.Tensor) -> tf.Tensor:
  return tf.reduce_sum(tf.cast(mask, tf.float32), axis=0)  # [c]


def _sum_columns(
  function: Callable[[tf.Tensor], tf.Tensor], updates: tf.Tensor
) -> tf.Tensor:
  """Adds up `function(block [n, c]) [c]` over blocks of all columns."""
  dimension = int(updates.shape[1])
  width = min(_BLOCK_COLUMNS, dimension)
  blocks = -(-dimension // width)

  def add(index: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    # The last block overlaps the one before; columns count once.
    first = index * width
    start = tf.minimum(first, dimension - width)
    block = tf.slice(updates, [0, start], [tf.shape(updates)[0], width])
    is_new = start + tf.range(width) >= first
    counts = tf.cast(function(block), tf.float64)
    return index + 1, total + tf.reduce_sum(tf.where(is_new, counts, 0.0))

  _, total = tf.while_loop(
    lambda index, _: index < blocks,
    add,
    (tf.constant(0), tf.constant(0.0, tf.float64)),
    parallel_iterations=1,
  )
  return tf.cast(total, tf.float32)


def _count(mask: tf.Tensor) -> tf.Tensor:
  return tf.reduce_sum(tf.cast(mask, tf.int32))


def _ratio(part: tf.Tensor, whole: tf.Tensor) -> tf.Tensor:
  part, whole = tf.cast(part, tf.float32), tf.cast(whole, tf.float32)
  is_defined = whole > 0
  ratio = part / tf.where(is_defined, whole, 1.0)
  return tf.where(is_defined, ratio, float('nan'))
