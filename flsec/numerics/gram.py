"""Inner products and distances of all pairs of updates, from one pass.

Every rule that looks at pairs of clients needs only the Gram matrix [n, n].
Rows are centred on one of them first, and products are taken and added up in
float64: a float32 Gram matrix of raw rows picks the wrong client at update
scales below 1e-3, and overflows at 1e19. Where nothing but distances or cosines
is asked for, float32 is enough for most pairs: see `float32_products`.

Which row is the centre makes no difference to a distance, but it does to its
rounding: the one with the median largest entry is neither a far outlier nor an
extreme. Whole numbers stay whole, so that ties remain ties.
"""

import dataclasses
from typing import Callable

import tensorflow as tf

from flsec.numerics import columns, float32_products


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
    return _cosines(self.inner_products(), self.squared_norms())


def gram(updates: tf.Tensor) -> Gram:
  """Computes the Gram matrix of a stack in one pass over it.

  Args:
    updates: float32 [n, d], all finite.

  Returns:
    The products, in float64; nothing of the size of the stack is allocated.
  """
  centre = _middle_of(updates)

  def beside(block: tf.Tensor, centre_block: tf.Tensor) -> tf.Tensor:
    origin = tf.cast(centre_block, tf.float64)
    rows = tf.cast(block, tf.float64) - origin
    rows = tf.concat([rows, -origin[None, :]], axis=0)  # [n + 1, c]
    return tf.matmul(rows, rows, transpose_b=True)

  total = _ask(beside, updates, centre, columns.num_rows(updates) + 1)
  return Gram(total[:-1, :-1], total[:-1, -1], total[-1, -1])


def squared_distances(updates: tf.Tensor) -> tf.Tensor:
  """Returns float64 [n, n], the squared distances of all pairs of rows.

  They agree with those of `gram` to a relative 1e-5, at any scale of updates,
  and cost a third of them.

  Args:
    updates: float32 [n, d], all finite.
  """
  if not float32_products.is_worth_it(updates):
    return distances_between(_centred_products(updates))
  # Each block of columns may have a centre of its own.
  found = float32_products.products(updates, _middle_of)
  squares = tf.linalg.diag_part(found)

  def in_float32() -> tf.Tensor:
    limits = float32_products.NEAR * (squares[:, None] + squares)
    exact = float32_products.exact_where_near(
      found, distances_between(found) <= limits, updates, _middle_of
    )
    return distances_between(exact)

  # A row that is the centre everywhere is at 0 of it.
  is_fine = float32_products.are_in_range(squares) | tf.equal(squares, 0.0)
  return tf.cond(
    tf.reduce_all(is_fine),
    in_float32,
    lambda: distances_between(_centred_products(updates)),
  )


def cosines(updates: tf.Tensor) -> tf.Tensor:
  """Returns float64 [n, n] in [-1, 1]; 0 where a row is the zero vector.

  They agree with those of `gram` to 1e-6, and where they are near 1 to a 1e-5
  of what is missing to it; and cost a third of them.

  Args:
    updates: float32 [n, d], all finite.
  """
  if not float32_products.is_worth_it(updates):
    return gram(updates).cosines()
  found = float32_products.products(updates, None)
  squares = tf.linalg.diag_part(found)

  def in_float32() -> tf.Tensor:
    is_near = _cosines(found, squares) >= 1.0 - float32_products.NEAR
    exact = float32_products.exact_where_near(found, is_near, updates, None)
    return _cosines(exact, tf.linalg.diag_part(exact))

  # A row of zeros is known as one; rows of 1e-30 have squares of 0, too.
  is_fine = float32_products.are_in_range(squares)
  is_fine = tf.cond(
    tf.reduce_all(is_fine),
    lambda: is_fine,
    lambda: is_fine | tf.equal(_largest_entries(updates), 0.0),
  )
  return tf.cond(
    tf.reduce_all(is_fine),
    in_float32,
    lambda: gram(updates).cosines(),
  )


def _cosines(products: tf.Tensor, squares: tf.Tensor) -> tf.Tensor:
  norms = tf.sqrt(squares)
  products = 0.5 * (products + tf.transpose(products))
  found = tf.math.divide_no_nan(products, norms[:, None] * norms[None, :])
  found = tf.linalg.set_diag(found, tf.cast(norms > 0, tf.float64))
  return tf.clip_by_value(found, -1.0, 1.0)


def _centred_products(updates: tf.Tensor) -> tf.Tensor:
  centre = _middle_of(updates)

  def products(block: tf.Tensor, centre_block: tf.Tensor) -> tf.Tensor:
    rows = tf.cast(block, tf.float64) - tf.cast(centre_block, tf.float64)
    return tf.matmul(rows, rows, transpose_b=True)

  return _ask(products, updates, centre, columns.num_rows(updates))


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
  asker = columns.total(products, zero, centre)
  return columns.ask(updates, float32_products.in_whole_pieces(asker, updates))


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
  order = tf.argsort(_largest_entries(updates), stable=True)
  return order[(columns.num_rows(updates) - 1) // 2]


def _middle_of(rows: tf.Tensor) -> tf.Tensor:
  return tf.gather(rows, middle_row(rows))


def _largest_entries(updates: tf.Tensor) -> tf.Tensor:
  """Returns the largest absolute entry of each row, [n]."""
  return tf.maximum(
    tf.reduce_max(updates, axis=1), -tf.reduce_min(updates, axis=1)
  )
