"""Which of many rows have the lowest Krum scores, most of them told by bounds.

A score is the sum of the m smallest squared distances of a row, and finding m
of n takes much longer than the distances do. Membership needs few scores:

With values E_j = D_j - |x_i|^2, D the distances of row i, the sum of the m
smallest E is the maximum over t of `g(t) = m t - sum_j max(t - E_j, 0)`, which
is concave and rises at t by m less the number of values below t. Any t gives a
lower bound; two, on either side of the m-th value, an upper one. Products in
float32 and three t per row bound most scores well enough; the few rows that may
lie on either side of the last one kept get theirs in float64.
"""

from typing import NamedTuple

import tensorflow as tf

from flsec.numerics import backend
from flsec.numerics.smallest_sums import sum_of_smallest

# Fewer rows are sorted out as quickly one by one; more columns add up too many
# roundings.
LEAST_ROWS, MOST_COLUMNS = 512, 1024
_SAMPLE = 32  # Values of a row that the first two t are taken from,
_AROUND = 5  # this many ranks below and above the m-th's.
_UNIT = 2.0**-24  # Of float32.
# Squares between these neither overflow nor underflow in float32.
_LEAST, _MOST = 1e-25, 1e35


class _Point(NamedTuple):
  """g at a t of each row; all float64 [n].

  Attributes:
    at: t.
    value: g(t).
    count: the values below t.
  """

  at: tf.Tensor
  value: tf.Tensor
  count: tf.Tensor


def are_worth_it(rows: tf.Tensor) -> bool:
  """Tells whether bounds save time on groups of rows [g, n, c].

  Only CPUs have a kernel that selects without sorting, and XLA wants to know
  how many rows are in doubt.
  """
  _, count, width = rows.shape
  return (
    count is not None
    and count >= LEAST_ROWS
    and width <= MOST_COLUMNS
    and not backend.has_accelerator()
    and not backend.is_compiled()
  )


def lowest(rows: tf.Tensor, num_added: int, num_kept: int) -> tf.Tensor:
  """Tells which rows have the lowest scores, ties to the lowest index.

  Args:
    rows: float64 [n, c], c of at most `MOST_COLUMNS`.
    num_added: m, the distances of a score, the 0 of a row to itself included;
      below n.
    num_kept: k, how many rows.

  Returns:
    bool [n], k of them true.
  """
  squares = tf.reduce_sum(rows * rows, axis=1)
  low, high = _bounds(rows, squares, num_added)
  in_doubt = (low <= _kth(high, num_kept)) & (high >= _kth(low, num_kept))
  places = tf.where(in_doubt)[:, 0]
  exact = _scores(rows, squares, places, num_added)
  # Of the others those with a lower bound above all doubt stay out.
  far = tf.constant(float('inf'), tf.float64)
  scores = tf.where(low > _kth(high, num_kept), far, -far)
  scores = tf.tensor_scatter_nd_update(scores, places[:, None], exact)
  rank = tf.argsort(tf.argsort(scores, stable=True))
  return rank < num_kept


def _kth(values: tf.Tensor, count: int) -> tf.Tensor:
  return tf.sort(values)[count - 1]


def _bounds(
  rows: tf.Tensor, squares: tf.Tensor, num_added: int
) -> tuple[tf.Tensor, tf.Tensor]:
  """Returns float64 [n] twice: below and above each score, for certain.

  Where float32 cannot tell they are minus and plus infinity.
  """
  values = _values(rows)
  lower, upper = _first_points(values, squares, num_added)
  share = tf.math.divide_no_nan(
    num_added - lower.count, upper.count - lower.count
  )
  middle = _point(values, lower.at + share * (upper.at - lower.at), num_added)
  is_below = middle.count <= num_added
  lower = _Point(*(tf.where(is_below, *pair) for pair in zip(middle, lower)))
  upper = _Point(*(tf.where(is_below, *pair) for pair in zip(upper, middle)))
  # The lines through either point along g's slope there are above g.
  width = upper.at - lower.at
  highest = tf.minimum(
    lower.value + (num_added - lower.count) * width,
    upper.value + (upper.count - num_added) * width,
  )
  reach = upper.at + squares  # The distances that matter are below it.
  error = _error(rows, squares, reach)
  own = num_added * squares
  low = own + tf.maximum(lower.value, upper.value) - error
  high = own + highest + error
  is_known = (lower.count <= num_added) & (upper.count >= num_added)
  is_known &= (reach > _LEAST) & (reach < _MOST)
  is_known &= tf.math.is_finite(low) & tf.math.is_finite(high)
  far = tf.constant(float('inf'), tf.float64)
  return tf.where(is_known, low, -far), tf.where(is_known, high, far)


def _error(rows: tf.Tensor, squares: tf.Tensor, reach: tf.Tensor) -> tf.Tensor:
  """Bounds how far off the sums are, float64 [n].

  With u the unit and c columns, a value is off by at most u (c + 4) (s_i +
  2 s_j), s the squares (Higham 2002, section 3.1; 2 |x_i| |x_j| <= s_i + s_j).
  Values below t have a distance D below the reach, and s_j <= 2 s_i + 2 D. So n
  of them are off by n u (c + 4) (5 s_i + 4 D), and adding up n differences of
  at most D takes n^2 u D off. A fifth more covers the second order.
  """
  count, width = rows.shape
  each = (width + 4) * (5.0 * squares + 4.0 * reach) + (count + 2) * reach
  return 1.2 * _UNIT * count * each


def _values(rows: tf.Tensor) -> tf.Tensor:
  """Returns E, float32 [n, n]: `|x_j|^2 - 2 <x_i, x_j>`."""
  rows = tf.cast(rows, tf.float32)
  products = tf.matmul(rows, -2.0 * rows, transpose_b=True)
  return tf.reduce_sum(rows * rows, axis=1) + products


def _first_points(
  values: tf.Tensor, squares: tf.Tensor, num_added: int
) -> tuple[_Point, _Point]:
  """Returns points that are likely on either side of the m-th value."""
  count = values.shape[0]
  size = min(_SAMPLE, count)
  drawn = [place * count // size for place in range(size)]
  sample = tf.gather(values, drawn, axis=1)
  # Squares that overflowed less one another: no kernel sorts these.
  sample = tf.where(tf.math.is_nan(sample), float('inf'), sample)
  rank = num_added * size // count
  ends = [
    tf.cast(tf.raw_ops.NthElement(input=sample, n=place), tf.float64)
    for place in (max(rank - _AROUND, 0), min(rank + _AROUND, size - 1))
  ]
  # With r the m-th smallest |x_j|, m values are at most r^2 + 2 r |x_i|:
  # far rows must not carry t away.
  radius = tf.sqrt(_kth(squares, num_added))
  certain = 1.01 * radius * (radius + 2.0 * tf.sqrt(squares))
  ends[1] = tf.minimum(ends[1], certain)
  return tuple(_point(values, end, num_added) for end in ends)


def _point(values: tf.Tensor, at: tf.Tensor, num_added: int) -> _Point:
  at = tf.cast(at, tf.float32)
  below = tf.nn.relu(at[:, None] - values)
  total = tf.cast(tf.reduce_sum(below, axis=1), tf.float64)
  count = tf.cast(tf.reduce_sum(tf.sign(below), axis=1), tf.float64)
  at = tf.cast(at, tf.float64)
  return _Point(at, num_added * at - total, count)


def _scores(
  rows: tf.Tensor, squares: tf.Tensor, places: tf.Tensor, num_added: int
) -> tf.Tensor:
  """Returns the scores of some rows, float64 [r]."""
  products = tf.matmul(tf.gather(rows, places), rows, transpose_b=True)
  distances = tf.gather(squares, places)[:, None] + squares - 2.0 * products
  own = tf.stack([tf.range(tf.size(places, tf.int64)), places], axis=1)
  distances = tf.tensor_scatter_nd_update(
    tf.maximum(distances, 0.0), own, tf.zeros_like(places, tf.float64)
  )
  return sum_of_smallest(distances, num_added, rows.shape[0])
