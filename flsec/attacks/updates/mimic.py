"""Mimic: all malicious clients copy one benign client."""

from typing import Optional

import tensorflow as tf

from flsec import registry
from flsec.attacks import attack as attack_lib
from flsec.attacks import known_rows
from flsec.numerics import columns, gram, moments


@registry.attack('mimic', paper='Karimireddy et al., ICLR 2022')
def mimic(*, position: Optional[int] = 0) -> attack_lib.Attack:
  """Copy one benign client, so that its data count too much.

  No row is an outlier; on data that are not IID the aggregate is biased to the
  client copied. With `position=None` the client is picked anew each round: the
  one that sticks out most along the direction in which the rows known vary
  most, `argmax_i |<z, b_i - mu>|`, z the leading eigenvector of their
  covariance (the paper finds z over its first rounds, then keeps the client).
  Whether rows are gradients or updates, the weights move as that client's do.

  Args:
    position: row to copy among those known, sorted by client id, from 0; None
      picks by variance. Keep the participants fixed to copy one client all
      along. A position beyond the rows is refused.

  Returns:
    The attack; full knowledge by default.

  Raises:
    ValueError: if position is negative or, once the number of rows is known,
      too large.

  References:
    Karimireddy, He and Jaggi, "Byzantine-Robust Learning on Heterogeneous
    Datasets via Bucketing", ICLR 2022, section 3.2 and appendix B.
  """
  if position is not None and position < 0:
    raise ValueError(
      f'Attack mimic needs position >= 0, or null to pick by variance; got '
      f'{position}.'
    )

  def craft_vector(
    rows: tf.Tensor, context: attack_lib.AttackContext
  ) -> tf.Tensor:
    del context
    if position is None:
      return tf.gather(rows, _most_typical_of_variance(rows))
    if rows.shape[0] is not None and position >= rows.shape[0]:
      raise ValueError(
        f'Attack mimic: position {position} is beyond the {rows.shape[0]} rows '
        f'known; lower it to {rows.shape[0] - 1} or less.'
      )
    return tf.gather(rows, position)

  return attack_lib.Attack(
    name='mimic',
    craft=known_rows.same_for_all(craft_vector),
    default_knowledge='full',
    minimum_known_rows=2,  # Its own copied row is an honest update.
  )


def _most_typical_of_variance(rows: tf.Tensor) -> tf.Tensor:
  """Returns the row with the largest share in the leading eigenvector.

  In the span of the r centred rows, z = sum_i a_i (b_i - mu), where `a` is the
  leading eigenvector of their Gram matrix, and |<z, b_i - mu>| is in
  proportion to |a_i|.
  """

  def products(block: tf.Tensor) -> tf.Tensor:
    return gram.block_products(moments.centred(block)[1])

  count = columns.num_rows(rows)
  zero = tf.zeros([count, count], tf.float64)
  centred = columns.ask(rows, columns.total(products, zero))
  # Solved, not iterated: a power iteration ends wherever it started if that has
  # nothing of the leading eigenvector, as the largest row can have nothing.
  _, vectors = tf.linalg.eigh(centred)
  return tf.argmax(tf.abs(vectors[:, -1]))
