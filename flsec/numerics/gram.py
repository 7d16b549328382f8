"""Inner products and distances of all pairs of updates, from one pass.

Every rule that looks at pairs of clients needs only the Gram matrix [n, n].
Rows are centred on one of them first, and products are taken and added up in
float64: a float32 Gram matrix of raw rows picks the wrong client at update
scales below 1e-3, and overflows at 1e19.

Which row is the centre makes no difference to a distance, but it does to its
rounding: the one with the median largest entry is neither a far outlier nor an
extreme. Whole numbers stay whole, so that ties remain ties.
"""

import dataclasses
from typing import Callable

import tensorflow as tf

from flsec.numerics import columns


@dataclasses.dataclass(frozen=True)
class Gram:
  """Inner products of the updates, seen from a point near them.

  Attributes:
    centred: float64 [n, n], `<x_i - o, x_j - o>` of rows x and the centre o.
    to_origin: float64 [n], `<x_i - o, -o>`.
    centre_square: float64 scalar, `<o, o>`.
  """

  centred: tf.Tensor
  to_origin: tf.Tensor
  centre_square: tf.Tensor

  def squared_distances(self) -> tf.Tensor:
    """Returns float64 [n, n], `||x_i - x_j||^2`, never below 0."""
    return distances_between(self.centred)

  def inner_products(self) -> tf.Tensor:
    """Returns float64 [n, n], `<x_i, x_j>` of the rows as they are."""
    raw = self.centred - self.to_origin[:, None] - self.to_origin[None, :]
    return raw + self.centre_square

  def squared_norms(self) -> tf.Tensor:
    """Returns float64 [n], `||x_i||^2`, never below 0."""
    squares = tf.linalg.diag_part(self.centred)
    squares += self.centre_square - 2.0 * self.to_origin
    return tf.maximum(squares, 0.0)

  def cosines(self) -> tf.Tensor:
    """Returns float64 [n, n] in [-1, 1]; 0 where a row is the zero vector."""
    norms = tf.sqrt(self.squared_norms())
    products = tf.math.divide_no_nan(
      self.inner_products(), norms[:, None] * norms[None, :]
    )
    products = tf.linalg.set_diag(products, tf.cast(norms > 0, tf.float64))
    return tf.clip_by_value(products, -1.0, 1.0)


def gram(updates: tf.Tensor) -> Gram:
  """Computes the Gram matrix of a stack in one pass over it.

  Args:
    updates: float32 [n, d], all finite.

  Returns:
    The products, in float64; nothing of the size of the stack is allocated.
  """
  centre = tf.gather(updates, middle_row(updates))

  def beside(block: tf.Tensor, centre_block: tf.Tensor) -> tf.Tensor:
    origin = tf.cast(centre_block, tf.float64)
    rows = tf.cast(block, tf.float64) - origin
    rows = tf.concat([rows, -origin[None, :]], axis=0)  # [n + 1, c]
    return tf.matmul(rows, rows, transpose_b=True)

  total = _ask(beside, updates, centre, columns.num_rows(updates) + 1)
  return Gram(total[:-1, :-1], total[:-1, -1], total[-1, -1])


def squared_distances(updates: tf.Tensor) -> tf.Tensor:
  """Returns float64 [n, n], the squared distances of all pairs of rows.

  The same as `gram(updates).squared_distances()`, and a little faster.

  Args:
    updates: float32 [n, d], all finite.
  """
  centre = tf.gather(updates, middle_row(updates))

  def products(block: tf.Tensor, centre_block: tf.Tensor) -> tf.Tensor:
    rows = tf.cast(block, tf.float64) - tf.cast(centre_block, tf.float64)
    return tf.matmul(rows, rows, transpose_b=True)

  return distances_between(
    _ask(products, updates, centre, columns.num_rows(updates))
  )


def block_products(rows: tf.Tensor) -> tf.Tensor:
  """Returns float64 [n, n], the inner products of a block's rows [n, w].

  Taken in float32: good for rows less their mean, which are as large as their
  differences.
  """
  return tf.cast(tf.matmul(rows, rows, transpose_b=True), tf.float64)


def _ask(
  products: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
  updates: tf.Tensor,
  centre: tf.Tensor,
  size: columns.Count,
) -> tf.Tensor:
  zero = tf.zeros([size, size], tf.float64)
  return columns.ask(updates, columns.total(products, zero, centre))


def distances_between(products: tf.Tensor) -> tf.Tensor:
  """Returns squared distances [n, n], never below 0, from inner products."""
  squares = tf.linalg.diag_part(products)
  # Both triangles are averaged: that d(i, j) = d(j, i) keeps ties exact.
  products = products + tf.transpose(products)
  total = squares[:, None] + squares[None, :] - products
  return tf.linalg.set_diag(tf.maximum(total, 0.0), tf.zeros_like(squares))


def squared_distances_to(updates: tf.Tensor, point: tf.Tensor) -> tf.Tensor:
  """Returns float64 [n], `||x_i - point||^2`, from one pass.

  Args:
    updates: float32 [n, d].
    point: float32 [d].
  """

  def block_squares(block: tf.Tensor, point_block: tf.Tensor) -> tf.Tensor:
    rows = tf.cast(block, tf.float64) - tf.cast(point_block, tf.float64)
    return tf.reduce_sum(rows * rows, axis=1)

  zero = tf.zeros([columns.num_rows(updates)], tf.float64)
  return columns.ask(updates, columns.total(block_squares, zero, point))


def squared_norms(updates: tf.Tensor) -> tf.Tensor:
  """Returns float64 [n], `||x_i||^2`."""
  return squared_distances_to(updates, tf.zeros([columns.num_columns(updates)]))


def middle_row(updates: tf.Tensor) -> tf.Tensor:
  """Returns the index of the row with the median largest absolute entry."""
  largest = tf.maximum(
    tf.reduce_max(updates, axis=1), -tf.reduce_min(updates, axis=1)
  )
  order = tf.argsort(largest, stable=True)
  return order[(columns.num_rows(updates) - 1) // 2]
