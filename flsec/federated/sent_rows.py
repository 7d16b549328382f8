"""What a round measures of the rows that are sent, before the rule has them.

An attack with full knowledge looks at all benign rows: the round looks along.
"""

from typing import NamedTuple, Optional

import numpy as np
import tensorflow as tf

from flsec.federated import round_measures
from flsec.federated.plan import Plan
from flsec.federated.state import Struct
from flsec.numerics import columns, row_norms

Sizes = tuple[tf.Tensor, tf.Tensor]  # Norm float32 [n], is_finite bool [n].


class Measured(NamedTuple):
  """Of the rows that the rule is given.

  Attributes:
    norm: float32 [n], their lengths.
    is_finite: bool [n], which hold no NaN or infinity.
    cosine: float32 scalar, of the mean malicious and the mean benign one among
      those that count; None where the plan has no attack.
  """

  norm: tf.Tensor
  is_finite: tf.Tensor
  cosine: Optional[tf.Tensor]


def measure(plan: Plan, updates: tf.Tensor, rows: Struct) -> Measured:
  """Measures all rows.

  Where neither momentum nor the adversary changes a row, its length is as its
  client worked it out; rows that the adversary may have changed are looked at
  again.

  Args:
    plan: of the round.
    updates: float32 [n, d], by client id.
    rows: of the same clients; rank int32 [n] and weight float32 [n] with norm
      and is_finite, of what each client has trained.
  """
  norm, is_finite = _sizes(plan, updates, rows)
  if plan.attack is None:
    return Measured(norm, is_finite, None)
  takes_part = None if plan.static_rows else is_finite & (rows['weight'] > 0)
  malicious = (rows['rank'] >= 0) & (rows['weight'] > 0)
  cosine = round_measures.crafted_cosine(updates, malicious, takes_part)
  return Measured(norm, is_finite, cosine)


def _sizes(plan: Plan, updates: tf.Tensor, rows: Struct) -> Sizes:
  if plan.clients.momentum:
    return row_norms.row_norms(updates)
  sizes = rows['norm'], rows['is_finite']
  if plan.attack is None or plan.attack.attack.craft is None:
    return sizes
  own = (
    tf.constant(np.flatnonzero(plan.attack.malicious)[:, np.newaxis])
    if plan.static_rows
    else tf.where(rows['rank'] >= 0)
  )
  crafted = row_norms.row_norms(tf.gather(updates, own[:, 0]))
  return tuple(
    tf.tensor_scatter_nd_update(size, own, of_own)
    for size, of_own in zip(sizes, crafted)
  )


def askers(plan: Plan, benign: tf.Tensor) -> list[columns.Asker]:
  """Asks of what the attack sees of the benign rows, for `measure_parts`.

  For their mean and, where momentum changed them, their squared norms.
  """
  asked = [columns.each(_mean)]
  return asked + [row_norms.squares_of(benign)] * bool(plan.clients.momentum)


def measure_parts(
  plan: Plan,
  rows: Struct,
  updates: tf.Tensor,
  crafted: tf.Tensor,
  benign_mean: tf.Tensor,
  benign_squares: Optional[tf.Tensor] = None,
) -> Measured:
  """Measures rows that all counted, from what is known of the benign ones.

  Args:
    plan: of a round in which all clients take part, of which some are
      malicious.
    rows: as in `measure`.
    updates: float32 [n, d], with the crafted rows in their places.
    crafted: float32 [c, d].
    benign_mean: float32 [d], of the other rows.
    benign_squares: float64 [m], their squared norms; None: the lengths are
      as their clients worked them out.
  """
  malicious = plan.attack.malicious
  places = np.flatnonzero(~malicious)
  if benign_squares is not None:
    of_benign = row_norms.of_squares(
      benign_squares, lambda: tf.gather(updates, places)
    )
  else:
    of_benign = [tf.gather(rows[key], places) for key in ('norm', 'is_finite')]
  # Where each client's figure is, benign ones first.
  order = np.argsort(np.argsort(malicious, kind='stable'), kind='stable')
  norm, is_finite = (
    tf.gather(tf.concat(pair, axis=0), order)
    for pair in zip(of_benign, row_norms.row_norms(crafted))
  )

  def of_means() -> tf.Tensor:
    return round_measures.cosine(_mean(crafted), benign_mean)

  cosine = (
    of_means()
    if plan.static_rows
    else tf.cond(
      tf.reduce_all(is_finite),
      of_means,
      lambda: round_measures.crafted_cosine(updates, malicious, is_finite),
    )
  )
  return Measured(norm, is_finite, cosine)


def _mean(rows: tf.Tensor) -> tf.Tensor:
  """Returns the mean row, [r, d] -> [d]; one sum, and no temporary."""
  count = int(rows.shape[0])
  return tf.matmul(tf.fill([1, count], 1.0 / count), rows)[0]
