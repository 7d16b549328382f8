"""The exactly k largest entries of each row by magnitude, with no sort.

The bit pattern of a non-negative float32 grows with its value, so the k-th
largest magnitude is found digit by digit: a histogram of the upper half of the
bits says in which bin it is, and one of the lower half of what is in that bin
says where in there. Two passes, whatever the values: an attacker cannot make
it slower.

Every shape is static and k may be a tensor, so XLA compiles it.
"""

import tensorflow as tf

from flsec.numerics import columns
from flsec.numerics.row_blocks import map_row_blocks

_MAGNITUDE = 0x7FFFFFFF  # All bits of a float32 but its sign.
_KEY_BITS = 31
EXPONENT = 0x7F800000  # Its bits in a key.
# A histogram of 65,536 bins fits a core's own cache. It is read in two steps,
# since running sums of it all would take as long as the histogram itself.
_MOST_BITS = 16
_FINE_BINS = 256
_MIXINGS = 4


def largest_entries(
  rows: tf.Tensor, count: tf.Tensor, seed: tf.Tensor
) -> tf.Tensor:
  """Marks the `count` entries of largest magnitude in each row.

  Args:
    rows: float32 [n, d], free of NaN; d static.
    count: k, int32 scalar from 0 to d.
    seed: int32 [2]; of entries of equal magnitude those that come last in an
      order drawn from it are taken, the same order in every row.

  Returns:
    bool [n, d], k of them true in each row. A marked entry may be zero.
  """
  dimension = columns.num_columns(rows)
  order = tie_order(dimension, seed)
  return map_row_blocks(
    lambda block: mark_largest(magnitudes(block), count, order)[0],
    rows,
    tf.TensorSpec([dimension], tf.bool),
  )


def tie_order(dimension: int, seed: tf.Tensor) -> tf.Tensor:
  """Returns int32 [d], distinct numbers above 0: of equals the higher wins.

  Adding, multiplying by an odd number and xor with the own upper half each
  permute the numbers of so many bits. A random order by a sort of keys would
  take longer than all that it decides.

  Args:
    dimension: d.
    seed: int32 [2].
  """
  bits = _order_bits(dimension)
  all_ones = 2**bits - 1
  drawn = tf.random.stateless_uniform(
    [_MIXINGS, 2], seed, None, None, tf.int32, alg='philox'
  )
  number = tf.range(dimension)
  for added, factor in map(tf.unstack, tf.unstack(drawn)):
    number = (number + added) * tf.bitwise.bitwise_or(factor, 1)
    number = tf.bitwise.bitwise_and(number, all_ones)
    upper = tf.bitwise.right_shift(number, (bits + 1) // 2)
    number = tf.bitwise.bitwise_xor(number, upper)
  return 1 + number


def _order_bits(dimension: int) -> int:
  return max(1, (dimension - 1).bit_length())


def magnitudes(rows: tf.Tensor) -> tf.Tensor:
  """Returns int32 keys, 0 or more, that are ordered as the magnitudes are."""
  return tf.bitwise.bitwise_and(tf.bitcast(rows, tf.int32), _MAGNITUDE)


def mark_largest(
  keys: tf.Tensor, count: tf.Tensor, order: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
  """Marks the `count` largest keys in each row of a block.

  Args:
    keys: int32 [r, d], from `magnitudes`.
    count: int32 scalar, from 0 to d.
    order: int32 [d], from `tie_order`.

  Returns:
    Which they are, bool [r, d], and the least of them, int32 [r].
  """
  counts = tf.fill([columns.num_rows(keys)], count)
  least, missing, tied = _kth_largest(keys, counts, _KEY_BITS)

  def with_ties() -> tf.Tensor:
    is_tied = tf.equal(keys, least[:, None])
    ranks = tf.where(is_tied, order, 0)  # [r, d]
    bits = _order_bits(int(order.shape[0])) + 1  # From 1.
    last, _, _ = _kth_largest(ranks, missing, bits)
    is_chosen = (ranks >= last[:, None]) & (missing > 0)[:, None]
    return (keys > least[:, None]) | is_chosen

  marked = tf.cond(
    tf.reduce_any(missing < tied), with_ties, lambda: keys >= least[:, None]
  )
  return marked, least


def _kth_largest(
  keys: tf.Tensor, counts: tf.Tensor, bits: int
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
  """Finds the k-th largest key of each row.

  Args:
    keys: int32 [r, d], 0 to 2^bits - 1.
    counts: k, int32 [r], from 0 to d; for 0 the key is the largest possible.
    bits: of the keys.

  Returns:
    Three int32 [r]: the key; how many of those equal to it belong to the k
    largest; and how many are equal to it.
  """
  found = tf.zeros_like(counts)
  left = bits
  for width in _digits(bits):
    left -= width
    # Once digits are known, a key that begins with others has a bit set above
    # this digit, and is in no bin.
    rest = (
      keys
      if left + width == bits
      else tf.bitwise.bitwise_xor(keys, found[:, None])
    )
    digit = tf.bitwise.right_shift(rest, left) if left else rest
    bins = tf.raw_ops.DenseBincount(
      input=digit,
      size=2**width,
      weights=tf.zeros([0], tf.int32),
      binary_output=False,
    )  # [r, 2^width]
    place, counts, tied = _place_from_top(bins, counts)
    found += tf.bitwise.left_shift(place, left)
  return found, counts, tied


def _place_from_top(
  bins: tf.Tensor, counts: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
  """Finds the bin down to which there are `counts` entries, from the highest.

  Returns:
    Three int32 [r]: the bin, how many are to be taken of it, how many it holds.
  """
  size = int(bins.shape[1])
  fine = min(size, _FINE_BINS)
  parts = tf.reshape(bins, [-1, size // fine, fine])
  coarse, counts, _ = _walk(tf.reduce_sum(parts, axis=2), counts)
  place, counts, tied = _walk(tf.gather(parts, coarse, batch_dims=1), counts)
  return coarse * fine + place, counts, tied


def _walk(
  bins: tf.Tensor, counts: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
  from_top = tf.cumsum(bins, axis=1, reverse=True)
  is_enough = tf.cast(from_top >= counts[:, None], tf.int32)
  place = tf.reduce_sum(is_enough, axis=1) - 1
  held = tf.gather(bins, place, batch_dims=1)
  return place, counts - tf.gather(from_top, place, batch_dims=1) + held, held


def _digits(bits: int) -> list[int]:
  """Cuts bits into digits of about equal size, the larger ones first."""
  parts = -(-bits // _MOST_BITS)
  return [bits // parts + (place < bits % parts) for place in range(parts)]
