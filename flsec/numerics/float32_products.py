"""Inner products of all pairs of rows in float32, exact where it matters.

Rows are cut into pieces of 512 columns. The products of a piece are added up in
float32, the pieces in float64: a product of two rows then holds to some 1e-7 of
their lengths, at the speed of one float32 matrix product.

That is enough for everything but pairs that lie near each other, of whose
difference it would leave no digit: the rows of attackers that send the same.
These few rows have their products taken again in float64.
"""

from typing import Callable, Optional

import tensorflow as tf

from flsec.numerics import backend, columns

# Below it float64 takes no time worth saving, and there are few pieces to
# average their rounding.
LEAST_DIMENSION = 8192
PIECE = 512
# The square of a difference is taken again where it is at most this share of
# the squares that it is the difference of: of others a relative 1e-5 is left.
NEAR = 1.0 / 16.0
# Of squares: two rows that differ by less are one. Float64 resolves 2^-50.
_SAME = 2.0**-46
# Sums of squares in float32 that lose nothing to underflow and do not overflow.
_LEAST, _MOST = 1e-25, 1e37

# A block of columns [n, w] -> one row [w], near its rows.
Centre = Callable[[tf.Tensor], tf.Tensor]


def is_worth_it(updates: tf.Tensor) -> bool:
  """Tells whether float32 saves time, and is float32.

  Accelerators, and what XLA compiles for them, take shorter numbers for it.

  Args:
    updates: [n, d], d known statically.
  """
  return (
    updates.dtype == tf.float32
    and columns.num_columns(updates) >= LEAST_DIMENSION
    and not backend.has_accelerator()
    and not backend.is_compiled()
  )


def products(updates: tf.Tensor, centre: Optional[Centre]) -> tf.Tensor:
  """Returns float64 [n, n], `<x_i - o, x_j - o>`, from one pass.

  Args:
    updates: float32 [n, d].
    centre: what o is in each block of columns; None: the origin.
  """

  def visit(block: tf.Tensor) -> tf.Tensor:
    return _in_pieces(block - centre(block) if centre else block)

  rows = columns.num_rows(updates)
  asker = columns.total(visit, tf.zeros([rows, rows], tf.float64))
  return columns.ask(updates, in_whole_pieces(asker, updates))


def are_in_range(squares: tf.Tensor) -> tf.Tensor:
  """Tells of each square whether float32 held what it is the sum of."""
  return (squares > _LEAST) & (squares < _MOST)


def exact_where_near(
  found: tf.Tensor,
  is_near: tf.Tensor,
  updates: tf.Tensor,
  centre: Optional[Centre],
) -> tf.Tensor:
  """Takes the products of rows that are near others again, in float64.

  Rows that are equal get equal products with everyone: ties stay ties.

  Args:
    found: float64 [n, n], `products`.
    is_near: bool [n, n], symmetric.
    updates: float32 [n, d].
    centre: as in `products`.

  Returns:
    float64 [n, n].
  """
  others = tf.linalg.set_diag(is_near, tf.zeros_like(is_near[0]))
  rows = tf.where(tf.reduce_any(others, axis=1))[:, 0]  # [m]

  def again() -> tf.Tensor:
    exact = _in_float64(updates, centre, rows)  # [m, m]
    places = tf.stack(tf.meshgrid(rows, rows, indexing='ij'), axis=-1)
    merged = tf.tensor_scatter_nd_update(found, places, exact)
    squares = tf.linalg.diag_part(exact)
    sums = squares[:, None] + squares
    is_same = sums - exact - tf.transpose(exact) <= _SAME * sums
    first = tf.argmax(tf.cast(is_same, tf.int32), axis=1)
    owner = tf.range(tf.shape(found, tf.int64)[0])
    owner = tf.tensor_scatter_nd_update(
      owner, rows[:, None], tf.gather(rows, first)
    )
    return tf.gather(tf.gather(merged, owner), owner, axis=1)

  return tf.cond(tf.size(rows) > 0, again, lambda: found)


def in_whole_pieces(asker: columns.Asker, updates: tf.Tensor) -> columns.Asker:
  """Returns the asker with blocks that are cut into pieces without a rest.

  Blocks that are narrower than a piece, of very many rows, stay as they are.
  """
  width = columns.block_width(updates)
  return asker._replace(most_columns=width // PIECE * PIECE or width)


def _in_pieces(block: tf.Tensor) -> tf.Tensor:
  width = columns.num_columns(block)
  whole = width // PIECE
  if not whole:
    return _square(block)
  pieces = tf.reshape(block[:, : whole * PIECE], [-1, whole, PIECE])
  pieces = tf.transpose(pieces, [1, 0, 2])  # [p, n, 512]
  total = tf.reduce_sum(_square(pieces), axis=0)
  if width % PIECE:
    total += _square(block[:, whole * PIECE :])
  return total


def _square(rows: tf.Tensor) -> tf.Tensor:
  return tf.cast(tf.matmul(rows, rows, transpose_b=True), tf.float64)


def _in_float64(
  updates: tf.Tensor, centre: Optional[Centre], rows: tf.Tensor
) -> tf.Tensor:
  """Returns the products of some of the rows, float64 [m, m]."""

  def visit(block: tf.Tensor) -> tf.Tensor:
    few = tf.cast(tf.gather(block, rows), tf.float64)
    if centre:
      few -= tf.cast(centre(block), tf.float64)
    return tf.matmul(few, few, transpose_b=True)

  count = tf.size(rows)
  asker = columns.total(visit, tf.zeros([count, count], tf.float64))
  return columns.ask(updates, in_whole_pieces(asker, updates))
