"""Lengths of rows, and which rows are finite, in one pass over the stack."""

from typing import Callable

import tensorflow as tf

from flsec.numerics import columns, gram

# Squares in float32 are exact enough in between: sums of smaller ones lose
# digits to underflow, larger ones may overflow.
_LEAST, _MOST = 1e-25, 1e37
# Small enough that no sum of finite entries overflows: |x| < 2^128, d < 2^40.
_PROBE = 2.0**-40


def row_norms(rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns each row's l2 norm and whether all its entries are finite.

  One pass: squares are added up in float32 within a block of columns, and in
  float64 over the blocks. Where a sum of squares leaves its range (a row of
  1e20 is finite, its squares are not) there is a second pass, in float64.

  Args:
    rows: float32 [n, d].

  Returns:
    Norms float32 [n], NaN or infinite where a row is not finite (and infinite
    where the norm itself exceeds float32), and bool [n].
  """
  return of_squares(columns.ask(rows, squares_of(rows)), lambda: rows)


def squares_of(rows: tf.Tensor) -> columns.Asker:
  """Asks for the squared norms of rows [n, d], for `of_squares`."""
  # Not a product of each row with itself, which takes three times as long.
  zero = tf.zeros([columns.num_rows(rows)], tf.float64)
  return columns.total(_block_squares, zero)


def of_squares(
  squares: tf.Tensor, make_rows: Callable[[], tf.Tensor]
) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns what `row_norms` does, from what `squares_of` asked for.

  Args:
    squares: float64 [n].
    make_rows: returns the rows [n, d], for where a second pass is needed.
  """
  is_safe = (squares > _LEAST) & (squares < _MOST)
  return tf.cond(
    tf.reduce_all(is_safe),
    lambda: (tf.cast(tf.sqrt(squares), tf.float32), is_safe),
    lambda: _in_float64(make_rows()),
  )


def _block_squares(block: tf.Tensor) -> tf.Tensor:
  return tf.cast(tf.reduce_sum(tf.square(block), axis=1), tf.float64)


def _in_float64(rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
  squares = gram.squared_norms(rows)  # Of any d: (3e38)^2 < 1e77.
  return tf.cast(tf.sqrt(squares), tf.float32), tf.math.is_finite(squares)


def finite_rows(rows: tf.Tensor) -> tf.Tensor:
  """Returns bool [n]: rows [n, d] without NaN or infinity, in one pass.

  A weighted sum of a row is finite just where all its entries are, and takes no
  temporary of the size of the stack. (A weight of 0 would do as well, were it
  not for graph optimisers that replace the product by 0.)
  """
  probe = tf.fill([columns.num_columns(rows)], _PROBE)
  return tf.math.is_finite(tf.linalg.matvec(rows, probe))
