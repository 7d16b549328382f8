"""The order in which clients that tie are taken."""

import tensorflow as tf

from flsec.aggregators.rule import ServerContext
from flsec.numerics import columns
from flsec.numerics.random_order import random_order

# Sets the draw for ties apart from those of the rule inside.
_TIES = 0x71E5


def tie_order(
  name: str, num_clients: columns.Count, context: ServerContext
) -> tf.Tensor:
  """Draws the round's order of clients that tie, int32 [num_clients].

  Were the lowest clients taken, it would matter who is called client 0: by
  default a malicious one.

  Args:
    name: of the rule.
    num_clients: n.
    context: its `seed` is the round's.

  Raises:
    ValueError: the context has no seed.
  """
  if context.seed is None:
    raise ValueError(
      f'{name} breaks ties in an order drawn from the `seed` of the round; the '
      'context has none. Call the rule inside a round, or fill in the context.'
    )
  seed = tf.random.experimental.stateless_fold_in(
    context.seed, _TIES, alg='philox'
  )
  return random_order(num_clients, seed)
