"""Ranks over the client axis, column by column, without sorting columns.

A sorting network (Batcher's odd-even merge sort) compares whole rows with
`tf.minimum` and `tf.maximum`, so that every comparison runs over thousands of
columns at vector speed. Only the comparators that the wanted ranks depend on
are built. Above `NETWORK_ROWS` rows, where n is not known statically, and on
accelerators, a block is transposed and sorted instead: the graph stays small.

References:
  Batcher. Sorting networks and their applications. AFIPS 1968.
"""

import dataclasses
import functools
import math
from typing import Callable, Optional

import tensorflow as tf

from flsec.numerics import backend, columns, scaled_sums

NETWORK_ROWS = 128


@dataclasses.dataclass(frozen=True)
class Comparator:
  """Puts the smaller value on wire `low` and the larger one on `high`."""

  low: int
  high: int
  keeps_low: bool = True
  keeps_high: bool = True


def mean_of_ranks(
  updates: tf.Tensor,
  first: columns.Count,
  last: columns.Count,
  chosen: Optional[tf.Tensor] = None,
) -> tf.Tensor:
  """Averages ranks `first` to `last` (from 0, both included) of each column.

  Args:
    updates: float32 (or float64) [n, d].
    first: the lowest rank that counts.
    last: the highest one.
    chosen: int [m], the rows to look at; default all. They are gathered block
      by block, so that no second stack is made.

  Returns:
    [d], of the same type.
  """
  shape = (updates if chosen is None else chosen).shape
  if _uses_network(shape):
    network = selection_network(int(shape[0]), int(first), int(last))

    def average(block: tf.Tensor) -> tf.Tensor:
      rows = _run(network, block)[first : last + 1]
      return tf.add_n(rows) / len(rows)
  else:

    def average(block: tf.Tensor) -> tf.Tensor:
      ranked = tf.sort(tf.transpose(block), axis=1)[:, first : last + 1]
      return tf.reduce_mean(ranked, axis=1)

  average = _without_overflow(average, last - first + 1)

  asker = columns.each(_of_chosen(average, chosen), dtype=updates.dtype)
  return columns.ask(updates, asker)


def median(updates: tf.Tensor) -> tf.Tensor:
  """Returns each column's median; of an even n, the two middle values' mean."""
  count = columns.num_rows(updates)
  return mean_of_ranks(updates, (count - 1) // 2, count // 2)


def mean_nearest_median(
  updates: tf.Tensor,
  count: columns.Count,
  chosen: Optional[tf.Tensor] = None,
) -> tf.Tensor:
  """Averages in each column the `count` values that are closest to its median.

  A tie between a value below the median and one above takes the one below, so
  that the result does not depend on the order of the clients.

  Args:
    updates: float32 (or float64) [n, d].
    count: values to keep, 1 to n.
    chosen: as in `mean_of_ranks`.

  Returns:
    [d], of the same type.
  """

  def average(block: tf.Tensor) -> tf.Tensor:
    return _block_nearest_median(block, count)

  average = _without_overflow(average, count)
  asker = columns.each(_of_chosen(average, chosen), dtype=updates.dtype)
  return columns.ask(updates, asker)


def sort_rows(block: tf.Tensor) -> tf.Tensor:
  """Sorts each column of a block [n, c] in ascending order."""
  if not _uses_network(block.shape):
    return tf.transpose(tf.sort(tf.transpose(block), axis=1))
  return tf.stack(_run(sorting_network(int(block.shape[0])), block))


def _block_nearest_median(block: tf.Tensor, count: columns.Count) -> tf.Tensor:
  ranked = sort_rows(block)  # [n, c]
  rows = columns.num_rows(block)
  middle = 0.5 * ranked[(rows - 1) // 2] + 0.5 * ranked[rows // 2]
  # The closest values are `count` neighbouring ranks, so of the ranks that are
  # equal modulo `count` exactly one is among them: the closest of these.
  best = ranked[:count]

  def nearer(rest: tf.Tensor, rival: tf.Tensor) -> tf.Tensor:
    # |rest - m| < |rival - m| for rest >= rival, free of a rounded difference:
    # the two middle values of an even n have to come out as a tie.
    return tf.where(0.5 * rival + 0.5 * rest < middle, rest, rival)

  if isinstance(rows, int) and isinstance(count, int):
    for start in range(count, rows, count):
      rest = ranked[start : start + count]
      size = int(rest.shape[0])
      best = tf.concat([nearer(rest, best[:size]), best[size:]], axis=0)
    return tf.reduce_mean(best, axis=0)

  def step(start: tf.Tensor, best: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    # Always `count` ranks, some beyond the last: XLA wants one shape.
    ranks = start + tf.range(count)
    rest = tf.gather(ranked, tf.minimum(ranks, rows - 1))
    is_there = (ranks < rows)[:, tf.newaxis]
    return start + count, tf.where(is_there, nearer(rest, best), best)

  best = tf.while_loop(
    lambda start, _: start < rows,
    step,
    (tf.convert_to_tensor(count), best),
    shape_invariants=(
      tf.TensorShape([]),
      tf.TensorShape([None, block.shape[1]]),
    ),
  )[1]
  return tf.reduce_mean(best, axis=0)


@functools.lru_cache(maxsize=256)
def sorting_network(num_wires: int) -> tuple[Comparator, ...]:
  """Returns Batcher's odd-even merge sort for any number of wires."""
  network = []
  run = 1
  while run < num_wires:
    gap = run
    while gap >= 1:
      for start in range(gap % run, num_wires - gap, 2 * gap):
        for low in range(start, min(start + gap, num_wires - gap)):
          if low // (run * 2) == (low + gap) // (run * 2):
            network.append(Comparator(low, low + gap))
      gap //= 2
    run *= 2
  return tuple(network)


@functools.lru_cache(maxsize=256)
def selection_network(
  num_wires: int, first: int, last: int
) -> tuple[Comparator, ...]:
  """Returns the comparators that bring the wanted ranks to their wires.

  Ranks `first` to `last` end on these wires, in any order among themselves:
  read from the end, a comparator between two wires of one class (below, wanted,
  above) changes nothing that is asked for, and is left out.
  """
  fate = [
    'below' if wire < first else 'wanted' if wire <= last else 'above'
    for wire in range(num_wires)
  ]
  kept = []
  for comparator in reversed(sorting_network(num_wires)):
    low, high = fate[comparator.low], fate[comparator.high]
    if low == high != 'exact':
      continue
    outer = ('below', 'above')
    kept.append(
      dataclasses.replace(
        comparator, keeps_low=low not in outer, keeps_high=high not in outer
      )
    )
    fate[comparator.low] = fate[comparator.high] = 'exact'
  return tuple(reversed(kept))


def _run(network: tuple[Comparator, ...], block: tf.Tensor) -> list[tf.Tensor]:
  wires = tf.unstack(block)
  for comparator in network:
    low, high = wires[comparator.low], wires[comparator.high]
    if comparator.keeps_low:
      wires[comparator.low] = tf.minimum(low, high)
    if comparator.keeps_high:
      wires[comparator.high] = tf.maximum(low, high)
  return wires


def _without_overflow(
  average: Callable[[tf.Tensor], tf.Tensor], count: columns.Count
) -> Callable[[tf.Tensor], tf.Tensor]:
  """Lets a mean of `count` values be finite where all of them are.

  Their sum may not be, near float32's end. Values are scaled by a power of two
  before, which is exact above 1e-36, and back afterwards. Not between ranks and
  sum: TensorFlow takes a common factor out of a sum.
  """
  if isinstance(count, int):
    if count == 1:
      return average
    scale = 2.0 ** -(count - 1).bit_length()
  else:
    bits = tf.math.ceil(tf.math.log(tf.cast(count, tf.float32)) / math.log(2.0))
    scale = tf.pow(2.0, -bits)

  def scaled(block: tf.Tensor) -> tf.Tensor:
    factor = tf.cast(scale, block.dtype)
    return scaled_sums.undo(average(block * factor), factor)

  return scaled


def _of_chosen(
  function: Callable[[tf.Tensor], tf.Tensor], chosen: Optional[tf.Tensor]
) -> Callable[[tf.Tensor], tf.Tensor]:
  if chosen is None:
    return function
  return lambda block: function(tf.gather(block, chosen))


def _uses_network(shape: tf.TensorShape) -> bool:
  rows = shape[0]
  # Accelerators sort well by themselves, and XLA, which they are used with,
  # takes minutes to compile a network of hundreds of comparators.
  is_few = rows is not None and rows <= NETWORK_ROWS
  return is_few and not backend.has_accelerator()
