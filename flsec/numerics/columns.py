"""The one walk over a stack of updates, in blocks of columns.

The stack [n, d] is the largest thing on the server. A temporary of its size
costs more than the arithmetic of most rules, and so does another pass. So
nobody walks by himself: who wants something of the stack is an `Asker`, and a
walk serves any number of them while a block is in the cache.

Blocks are independent of each other: TensorFlow runs several iterations of the
loop at once on its inter-op threads, also where an op has a single thread. What
is added up is added in the order of the columns, on any number of threads.
"""

import contextlib
import os
import threading
from collections.abc import Iterator, Sequence
from typing import Any, Callable, NamedTuple, Optional, Union

import tensorflow as tf

from flsec.numerics import riders

# Floats in a block: 2.4 MB, a core's share of the caches.
BLOCK_SIZE = 600_000
LEAST_COLUMNS = 1024
# More blocks at once than cores only push each other out of the cache.
_PARALLEL_BLOCKS = min(max(os.cpu_count() or 2, 2), 16)
Count = Union[int, tf.Tensor]
_UNDIVIDED = threading.local()
Tensors = tuple[tf.Tensor, ...]


@contextlib.contextmanager
def undivided() -> Iterator[None]:
  """Lets walks that this thread traces take the whole stack as one block.

  For accelerators: there a block is a few kernels, and there is no cache of a
  core that it would have to fit.
  """
  before = is_undivided()
  _UNDIVIDED.value = True
  try:
    yield
  finally:
    _UNDIVIDED.value = before


def is_undivided() -> bool:
  """Tells whether walks that are traced now make one block of a stack."""
  return getattr(_UNDIVIDED, 'value', False)


class Asker(NamedTuple):
  """Wants something of each column of a stack, and sums over all columns.

  Attributes:
    visit: `(block [n, w], *blocks [w] of the vectors beside) -> (columns,
      sums)`: a tuple of results of each column, [w], and a tuple of parts of
      sums. The last block is filled up with columns of zeros, also beside: they
      must add nothing to a sum.
    columns: dtypes of the results of each column.
    sums: what the sums start from; their types are those of the accumulators.
    beside: vectors [d] or stacks [n, d], cut into blocks alongside the stack.
    finish: `(columns, sums) -> answer`, of results [d] and whole sums.
    most_columns: of a block; sums in float32 ask for short ones.
  """

  visit: Callable[..., tuple[Tensors, Tensors]]
  columns: tuple[tf.DType, ...] = ()
  sums: Tensors = ()
  beside: Tensors = ()
  finish: Callable[[Tensors, Tensors], Any] = lambda columns, sums: (
    columns + sums
  )
  most_columns: Optional[int] = None


def each(
  function: Callable[..., tf.Tensor],
  *beside: tf.Tensor,
  dtype: tf.DType = tf.float32,
) -> Asker:
  """Asks for `function(block [n, w], *beside [w]) -> [w]` of all columns."""
  return Asker(
    lambda *block: ((function(*block),), ()),
    columns=(dtype,),
    beside=beside,
    finish=lambda columns, sums: columns[0],
  )


def total(
  function: Callable[..., tf.Tensor], zero: tf.Tensor, *beside: tf.Tensor
) -> Asker:
  """Asks for the sum of `function(block [n, w], *beside [w])`, like `zero`."""
  return Asker(
    lambda *block: ((), (function(*block),)),
    sums=(zero,),
    beside=beside,
    finish=lambda columns, sums: sums[0],
  )


def ask(updates: tf.Tensor, asker: Asker) -> Any:
  """Returns the answer to a single asker, from one pass over the stack."""
  return walk(updates, asker)[0]


@contextlib.contextmanager
def along(
  updates: tf.Tensor, *askers: Asker, cut_from: Optional[riders.Source] = None
) -> Iterator[Callable[[], tuple]]:
  """Lets askers ride on the first walk over a stack that is traced inside.

  For who calls something that is likely to walk over the stack, but need not:
  what an attack asks of a block and what the round measures cost one pass then.
  The walk's own askers are answered as they would be without.

  Args:
    updates: the stack; it is known again by its identity.
    *askers: who ride along, whatever the width of the blocks.
    cut_from: what the stack is made of, so that the walk need not wait for it
      (and nobody makes it, where nothing else looks at it).

  Yields:
    `() -> answers`, to be called behind the block: a walk of its own where no
    walk came by in this graph (one within a branch or a loop does not count:
    what it finds stays there).
  """
  with riders.waiting(updates, askers, cut_from) as rider:
    yield lambda: rider.found[0] if rider.found else walk(updates, *askers)


def walk(updates: tf.Tensor, *askers: Asker) -> tuple:
  """Answers all askers from one pass over the stack.

  Args:
    updates: float32 [n, d], d known statically.
    *askers: any number.

  Returns:
    Their answers.

  Raises:
    ValueError: d is not known.
  """
  dimension = num_columns(updates)
  width = _width(updates, askers)
  along_with = riders.on(updates)
  source = along_with[0].source if along_with else riders.whole(updates)
  everyone = [*askers, *(a for rider in along_with for a in rider.askers)]
  if dimension <= width:
    visited = [asker.visit(updates, *asker.beside) for asker in everyone]
  else:
    visited = _walk(source, everyone, dimension, width)
  answers = [
    asker.finish(tuple(tf.ensure_shape(c, [dimension]) for c in columns), sums)
    for asker, (columns, sums) in zip(everyone, visited)
  ]
  own, answers = answers[: len(askers)], answers[len(askers) :]
  for rider in along_with:
    count = len(rider.askers)
    rider.found.append(tuple(answers[:count]))
    answers = answers[count:]
  return tuple(own)


def num_rows(updates: tf.Tensor) -> Count:
  """Returns n of [n, d]: an int where it is known statically."""
  static = updates.shape[0]
  return tf.shape(updates)[0] if static is None else static


def num_columns(updates: tf.Tensor) -> int:
  """Returns d of [n, d], which has to be known statically.

  Raises:
    ValueError: if it is not.
  """
  if updates.shape.rank != 2 or updates.shape[1] is None:
    raise ValueError(
      'A stack of updates is of shape [n, d] with d known when the graph is '
      f'built; got {updates.shape}. Set the shape with tf.ensure_shape.'
    )
  return int(updates.shape[1])


def block_width(updates: tf.Tensor) -> int:
  """Returns the columns of a block, where no asker wants fewer."""
  # Where n is unknown (a stack with dropped rows), assume a usual federation.
  rows = 100 if updates.shape[0] is None else updates.shape[0]
  return max(LEAST_COLUMNS, BLOCK_SIZE // max(rows, 1))


def _walk(
  source: riders.Source, askers: Sequence[Asker], dimension: int, width: int
) -> list[tuple[Tensors, Tensors]]:
  num_blocks = -(-dimension // width)
  beside = [vector for asker in askers for vector in asker.beside]
  cut = _cutter([source.stack, *beside], dimension, width)
  arrays = tuple(
    tuple(
      tf.TensorArray(dtype, num_blocks, element_shape=[width])
      for dtype in asker.columns
    )
    for asker in askers
  )

  def step(index: tf.Tensor, arrays: tuple, sums: tuple) -> tuple:
    block, *vectors = cut(index)
    block = source.view(block)
    written, added = [], []
    for asker, into, so_far in zip(askers, arrays, sums):
      own = [vectors.pop(0) for _ in asker.beside]
      columns, parts = asker.visit(block, *own)
      written.append(tuple(a.write(index, c) for a, c in zip(into, columns)))
      added.append(tuple(t + p for t, p in zip(so_far, parts)))
    return index + 1, tuple(written), tuple(added)

  _, arrays, sums = tf.while_loop(
    lambda index, *_: index < num_blocks,
    step,
    (tf.constant(0), arrays, tuple(tuple(asker.sums) for asker in askers)),
    parallel_iterations=_PARALLEL_BLOCKS,
    maximum_iterations=num_blocks,
  )
  columns = [
    tuple(tf.reshape(a.stack(), [-1])[:dimension] for a in own)
    for own in arrays
  ]
  return list(zip(columns, sums))


def _cutter(
  tensors: list[tf.Tensor], dimension: int, width: int
) -> Callable[[tf.Tensor], list[tf.Tensor]]:
  """Returns what cuts out block number `index`, all of one static shape."""
  whole, rest = divmod(dimension, width)

  def slices(index: tf.Tensor) -> list[tf.Tensor]:
    return [_slice(tensor, index * width, width) for tensor in tensors]

  if not rest:
    return slices
  tail = [
    tf.pad(
      tensor[..., whole * width :],
      [[0, 0]] * (tensor.shape.rank - 1) + [[0, width - rest]],
    )
    for tensor in tensors
  ]
  return lambda index: tf.cond(
    index < whole, lambda: slices(index), lambda: tail
  )


def _slice(tensor: tf.Tensor, start: tf.Tensor, width: int) -> tf.Tensor:
  # XLA wants the width to be a constant.
  if tensor.shape.rank == 1:
    return tf.slice(tensor, [start], [width])
  return tf.slice(tensor, [0, start], [num_rows(tensor), width])


def _width(updates: tf.Tensor, askers: tuple[Asker, ...]) -> int:
  if is_undivided():
    return num_columns(updates)
  asked = [a.most_columns for a in askers if a.most_columns is not None]
  return min([block_width(updates), *asked])
