"""FoolsGold: little weight for clients whose past updates look alike."""

import tensorflow as tf

from flsec import registry
from flsec.aggregators.rule import (
  Measurements,
  Rule,
  ServerContext,
  State,
)
from flsec.numerics import columns, gram, selection

# Half of float32's largest number.
_LARGEST = 1.7e38


@registry.aggregator('foolsgold', paper='Fung et al., RAID 2020')
def foolsgold(*, num_clients: int, confidence: float = 1.0) -> Rule:
  """Mean weighted against clients whose summed updates are alike.

  State: each client's sum of all its updates so far, h_i (float32 [N, d]), of
  the rounds in which it took part. With c_ij = cos(h_i, h_j) over the n clients
  of the round, j other than i, and v_i = max(0, max_j c_ij):

    pardoning   c_ij <- c_ij v_i / v_j where v_j > v_i
    a_i = clip(1 - max_j c_ij, 0, 1), then a_i <- a_i / max_j a_j
    a_i <- clip(kappa (ln(a_i / (1 - a_i)) + 1/2), 0, 1), 1 where a_i was 1.

  The result is sum_i a_i x_i / sum_i a_i (the authors' code divides by n, which
  shrinks the step); the zero update where all weights are 0, as for clients
  that all agree. `selected` is a_i / sum_j a_j. Unweighted otherwise.

  The history takes memory: with the one before it, three stacks in all. It is
  kept by `context.client_ids`; a client whose row is dropped keeps its own.
  Where no ids are given (a stock TFF process) rows must be all clients, in the
  same order in every round.

  Args:
    num_clients: N, clients in the federation.
    confidence: kappa, above 0.

  Raises:
    ValueError: an option is out of its range, or there are no ids and n is not
      `num_clients`.

  References:
    Fung, Yoon, Beschastnikh. The limitations of federated learning in Sybil
    settings. RAID 2020, Algorithm 1.
  """
  if num_clients < 1:
    raise ValueError(
      f'foolsgold: num_clients must be 1 or more; got {num_clients}.'
    )
  if not confidence > 0:
    raise ValueError(
      f'foolsgold: confidence must be above 0; got {confidence}.'
    )

  def next_state(
    state: State,
    updates: tf.Tensor,
    weights: tf.Tensor,
    context: ServerContext,
  ) -> tuple[State, tf.Tensor, Measurements]:
    del weights
    ids = context.client_ids
    if ids is None:
      updates = _require_all(updates, num_clients)
      ids = tf.range(num_clients)
    history = tf.tensor_scatter_nd_add(state, ids[:, None], updates)
    # A history that overflows would never be finite again. Clipped in two
    # steps, it is clipped where it lies.
    history = tf.maximum(tf.minimum(history, _LARGEST), -_LARGEST)
    own = history
    if updates.shape[0] != num_clients:  # Else they are all, in order.
      own = tf.gather(history, ids)
    alike = gram.cosines(own)
    scores = tf.cast(_scores(alike, confidence), tf.float32)
    shares = tf.math.divide_no_nan(scores, tf.reduce_sum(scores))
    update = selection.weighted_sum(shares, updates)
    return history, update, {'selected': shares}

  return Rule(
    f'foolsgold({num_clients=})',
    next_state,
    initialize=lambda dimension: tf.zeros([num_clients, dimension]),
  )


def _require_all(updates: tf.Tensor, num_clients: int) -> tf.Tensor:
  """Returns the rows, once there is one for each client."""
  rows = updates.shape[0]
  message = (
    f'foolsgold keeps a history of num_clients={num_clients} clients; without '
    'their ids it takes a row of each'
  )
  if rows is None:
    check = tf.debugging.assert_equal(
      tf.shape(updates)[0], num_clients, f'{message}; got another number.'
    )
    with tf.control_dependencies([check]):
      return tf.identity(updates)
  if rows != num_clients:
    raise ValueError(
      f'{message}; got n={rows} rows. Set num_clients to the number of rows.'
    )
  return updates


def _scores(cosines: tf.Tensor, confidence: float) -> tf.Tensor:
  """Returns float64 [n] in [0, 1], from the cosines of the histories."""
  rows = columns.num_rows(cosines)
  others = tf.linalg.set_diag(cosines, tf.zeros([rows], cosines.dtype))
  most = tf.reduce_max(others, axis=1)  # [n], at least 0: the diagonal.
  pardon = tf.math.divide_no_nan(most[:, None], most[None, :])
  pardoned = tf.where(most[None, :] > most[:, None], others * pardon, others)
  scores = tf.clip_by_value(1.0 - tf.reduce_max(pardoned, axis=1), 0.0, 1.0)
  scores = tf.math.divide_no_nan(scores, tf.reduce_max(scores))
  # The logit of 1 and 0 is infinite; clipping makes 1 and 0 of it again.
  inner = tf.clip_by_value(scores, 1e-12, 1.0 - 1e-12)
  logit = confidence * (tf.math.log(inner / (1.0 - inner)) + 0.5)
  logit = tf.where(scores >= 1.0, tf.ones_like(logit), logit)
  return tf.where(scores > 0, tf.clip_by_value(logit, 0.0, 1.0), 0.0)
