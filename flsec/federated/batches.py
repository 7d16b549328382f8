"""A client's examples, put in a drawn order and cut into batches."""

import dataclasses
from typing import Optional, Union

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Shard:
  """A client's examples.

  Attributes:
    x: [s, ...] as stored.
    y: int32 [s].
    count: how many of the s rows are real, the rest pad: int32 scalar, or an
      int where it is known.
    attack_y: int32 [s], labels that an attack gave the examples, or None.
  """

  x: tf.Tensor
  y: tf.Tensor
  count: Union[int, tf.Tensor]
  attack_y: Optional[tf.Tensor] = None


def shuffled(
  shard: Shard, seed: tf.Tensor, most: Optional[int] = None
) -> Shard:
  """Puts the real rows in a drawn order; rows that pad stay behind them.

  Args:
    shard: the examples.
    seed: of the order.
    most: how many rows to keep, the first ones; None keeps all.
  """
  rows = tf.shape(shard.y)[0]
  # Philox counts: the draw of [rows] starts with that of [count], so the order
  # does not depend on the padding; and its bits, unlike floats made of them,
  # are the same on every device.
  keys = tf.random.stateless_uniform(
    [rows], seed, None, None, tf.int32, alg='philox'
  )
  keys = tf.where(tf.range(rows) < shard.count, keys, tf.int32.max)
  order = tf.argsort(keys, stable=True)[:most]
  count = shard.count if most is None else tf.minimum(shard.count, most)
  x, y, attack_y = (
    None if rows is None else tf.gather(rows, order)
    for rows in (shard.x, shard.y, shard.attack_y)
  )
  return Shard(x, y, count, attack_y)


@dataclasses.dataclass(frozen=True)
class Batches:
  """Cuts a shard into batches, the last short one included."""

  size: int
  padded: bool

  def per_epoch(self, count: tf.Tensor) -> tf.Tensor:
    """Returns how many batches hold so many examples, the last one short."""
    return (count + self.size - 1) // self.size

  def take(self, shard: Shard, position: tf.Tensor):
    """Returns x [b, ...], y [b], attack_y [b] or None, mask [b] or None."""
    start = position * self.size
    if not self.padded:
      rows = slice(start, start + self.size)
      attack_y = None if shard.attack_y is None else shard.attack_y[rows]
      return shard.x[rows], shard.y[rows], attack_y, None
    # Gathered: where the start depends on the round, XLA would compile a slice
    # anew in every round.
    rows = start + tf.range(self.size)
    x, y, attack_y = (
      None if values is None else tf.gather(values, rows)
      for values in (shard.x, shard.y, shard.attack_y)
    )
    return x, y, attack_y, tf.cast(rows < shard.count, tf.float32)
