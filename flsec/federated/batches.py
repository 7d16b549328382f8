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
  """Cuts a shard into batches, the last short one included.

  Attributes:
    size: of a batch.
    padded: whether a short batch is filled up and masked.
    most: batches of an epoch, the first ones; None: all.
  """

  size: int
  padded: bool
  most: Optional[int] = None

  @property
  def num_drawn(self) -> Optional[int]:
    """Rows that a batch drawn on its own is cut from; None: all."""
    return self.size

  def per_epoch(self, count: Union[int, tf.Tensor]) -> Union[int, tf.Tensor]:
    """Returns how many batches hold so many examples, the last one short."""
    batches = (count + self.size - 1) // self.size
    if self.most is None:
      return batches
    least = min if isinstance(batches, int) else tf.minimum
    return least(batches, self.most)

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


@dataclasses.dataclass(frozen=True)
class MixedBatches(Batches):
  """Cuts a shard into whole batches with so many examples of some classes.

  A batch takes the next `num_chosen` rows of the chosen classes and the next
  `size - num_chosen` of the others, each in the shard's order and from the
  front again where they run out. Where either kind is missing, the other fills
  the batch.

  Attributes:
    labels: the chosen classes.
    num_chosen: rows of them in a batch, at most `size`.
  """

  labels: tuple[int, ...] = ()
  num_chosen: int = 0

  @property
  def num_drawn(self) -> Optional[int]:
    """Both kinds are looked for in all rows."""
    return None

  def take(self, shard: Shard, position: tf.Tensor):
    """Returns what `Batches.take` does; every row of the batch is real."""
    is_real = tf.range(tf.shape(shard.y)[0]) < shard.count
    classes = tf.constant(self.labels, tf.int32)
    is_chosen = tf.reduce_any(tf.equal(shard.y[:, tf.newaxis], classes), axis=1)
    is_chosen &= is_real
    kind = tf.where(is_chosen, 0, tf.where(is_real, 1, 2))
    order = tf.argsort(kind, stable=True)  # Chosen, others, rows that pad.
    chosen = tf.reduce_sum(tf.cast(is_chosen, tf.int32))
    others = shard.count - chosen
    first = tf.range(self.size) < self.num_chosen
    rest = self.size - self.num_chosen
    number = tf.where(
      first,
      position * self.num_chosen + tf.range(self.size),
      position * rest + tf.range(self.size) - self.num_chosen,
    )
    mixed = tf.where(
      first,
      number % tf.maximum(chosen, 1),
      chosen + number % tf.maximum(others, 1),
    )
    alike = position * self.size + tf.range(self.size)
    both = tf.logical_and(chosen > 0, others > 0)
    places = tf.where(both, mixed, alike % tf.maximum(shard.count, 1))
    rows = tf.gather(order, places)
    x, y, attack_y = (
      None if values is None else tf.gather(values, rows)
      for values in (shard.x, shard.y, shard.attack_y)
    )
    return x, y, attack_y, tf.ones([self.size]) if self.padded else None
