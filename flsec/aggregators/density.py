"""How dense an update's neighbourhood is, by cosine or Euclidean distance."""

import dataclasses
from typing import Callable, Optional

import tensorflow as tf

from flsec.aggregators.rule import (
  Measurements,
  Rule,
  ServerContext,
  check_num_byzantine,
  stateless,
)
from flsec.numerics import columns, gram, selection

REPLICATIONS = ('none', 'agramplifier')
# (rows, norms) -> float64 [n, n], larger for closer rows. `norms` float64 [n]
#   is what the rows are divided by first, or None.
Closeness = Callable[[tf.Tensor, Optional[tf.Tensor]], tf.Tensor]


@dataclasses.dataclass(frozen=True)
class DensityOptions:
  """Options that all density rules share.

  Attributes:
    num_byzantine: f; n - f clients are kept, at least half of them.
    num_neighbors: k, a client itself included; None: n - f, at least more than
      half of the clients.
    replication: 'none' follows the paper; 'agramplifier' its authors' code.
  """

  num_byzantine: int
  num_neighbors: Optional[int]
  replication: str


def cosine_closeness(
  updates: tf.Tensor, norms: Optional[tf.Tensor]
) -> tf.Tensor:
  """Returns the cosine of each pair of rows; 0 with a zero row."""
  del norms  # Scaling the rows changes no cosine.
  return gram.cosines(updates)


def euclidean_closeness(
  updates: tf.Tensor, norms: Optional[tf.Tensor]
) -> tf.Tensor:
  """Returns minus the distance of each pair of rows."""
  if norms is None:
    return -tf.sqrt(gram.squared_distances(updates))
  # Of the rows p scaled by 1 / m: ||p_i / m_i - p_j / m_j||^2, written so that
  # it is 0 for equal rows and next to nothing is cancelled for near ones.
  products = gram.gram(updates)
  scale = tf.math.divide_no_nan(tf.ones_like(norms), norms)
  pull = scale * products.squared_norms()
  squared = products.squared_distances() * scale[:, None] * scale[None, :]
  squared += (scale[:, None] - scale) * (pull[:, None] - pull)
  return -tf.sqrt(tf.maximum(squared, 0.0))


def density_rule(
  name: str, closenesses: tuple[Closeness, ...], options: DensityOptions
) -> Rule:
  """Builds the rule that averages the rows that are dense by every measure.

  Raises:
    ValueError: an option is out of its range.
  """
  _check(name, options)
  is_replication = options.replication != 'none'

  def aggregate(
    updates: tf.Tensor, scored: tf.Tensor, context: ServerContext
  ) -> tuple[tf.Tensor, Measurements]:
    del context
    # The authors' code scales whole rows to length 1, before anything else:
    # these, and not the amplified ones, have the norm 1.
    norms = tf.sqrt(gram.squared_norms(updates)) if is_replication else None
    mask = tf.ones([columns.num_rows(updates)])
    for closeness in closenesses:
      mask *= _white_list(closeness(scored, norms), options)
    shares = selection.equal_shares(mask)
    coefficients = tf.cast(shares, tf.float64)
    if is_replication:
      coefficients = tf.math.divide_no_nan(coefficients, norms)
    update = selection.weighted_sum(coefficients, updates)
    return update, {'selected': shares}

  f, k = options.num_byzantine, options.num_neighbors
  minimum = max(2, 2 * f)
  return stateless(
    f'{name}(num_byzantine={f}, num_neighbors={k})',
    aggregate,
    minimum_clients=minimum,
    requirement=f'n >= 2 f and n >= 2 with f = num_byzantine = {f}',
    selects_rows=not is_replication,
    takes_scored_rows=True,
  )


def _white_list(closeness: tf.Tensor, options: DensityOptions) -> tf.Tensor:
  """Returns float32 [n]: 1 for the n - f rows in the densest neighbourhoods."""
  rows = columns.num_rows(closeness)
  keep = rows - options.num_byzantine
  nearest = tf.math.top_k(closeness, _num_neighbors(rows, options))
  if options.replication == 'none':
    density = tf.reduce_sum(nearest.values, axis=1)
  else:  # The authors' code adds up all pairs within the neighbourhood.
    member = _members_of_rows(nearest.indices, rows, closeness.dtype)
    density = tf.reduce_sum(tf.matmul(member, closeness) * member, axis=1)
  return selection.members(selection.largest(density, keep), rows)


def _members_of_rows(
  indices: tf.Tensor, rows: columns.Count, dtype: tf.DType
) -> tf.Tensor:
  """Returns [n, n]: 1 where column j is among row i's indices [n, k]."""
  # Not by one-hot vectors: these would be [n, k, n].
  flat = tf.range(rows)[:, None] * rows + indices
  ones = tf.ones_like(tf.reshape(flat, [-1]), dtype)
  member = tf.scatter_nd(tf.reshape(flat, [-1, 1]), ones, [rows * rows])
  return tf.reshape(member, [rows, rows])


def _num_neighbors(
  rows: columns.Count, options: DensityOptions
) -> columns.Count:
  least, most = (
    (max, min) if isinstance(rows, int) else (tf.maximum, tf.minimum)
  )
  if options.num_neighbors is not None:
    return most(options.num_neighbors, rows)
  return most(least(rows - options.num_byzantine, rows // 2 + 1), rows)


def _check(name: str, options: DensityOptions) -> None:
  check_num_byzantine(name, options.num_byzantine)
  if options.num_neighbors is not None and options.num_neighbors < 1:
    raise ValueError(
      f'{name}: num_neighbors must be 1 or more (a client is its own first '
      f'neighbour); got {options.num_neighbors}.'
    )
  if options.replication not in REPLICATIONS:
    raise ValueError(
      f'{name}: replication must be one of {", ".join(REPLICATIONS)}; got '
      f'{options.replication!r}.'
    )
