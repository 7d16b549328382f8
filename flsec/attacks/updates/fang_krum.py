"""Fang's attack on Krum: as far out as Krum still picks."""

from typing import Literal

import tensorflow as tf

from flsec import registry
from flsec.attacks import attack as attack_lib
from flsec.attacks import known_rows
from flsec.attacks.updates import krum_search


@registry.attack('fang_krum', paper='Fang et al., USENIX Security 2020')
def fang_krum(
  *,
  tolerance: float = 1e-5,
  radius: float = 0.0,
  direction: Literal['mean', 'krum'] = 'mean',
) -> attack_lib.Attack:
  """Fang's attack on Krum: against the benign sign, as far as Krum follows.

  `x = -lambda * s` (an update is the change from the global weights, so the
  paper's w_Re is 0). s is the sign of what would move the global model in a
  round without attack: by default of the mean of the rows known; with direction
  `krum` of the row that Krum picks of all honestly computed ones, those of the
  malicious clients included. lambda starts at
  its upper bound (`krum_search.largest_lambda`) and is halved until Krum (n - c
  - 2 neighbours, squared distances), run on the rows known and c copies of x,
  picks x, or lambda falls below the tolerance; x is sent in any case.

  Partial knowledge: the rows known are the c own ones; first one copy of x
  must win against them, then, where no lambda does, two, three, ... up to c.
  With one or two rows known the bound's denominator is not positive and the
  search starts from ten times their mean norm.

  Stated on updates, as the paper does on models: the weights move against the
  benign mean's sign. Odd, so gradients would give the same.

  Args:
    tolerance: the lambda at which the search gives up, > 0.
    radius: 0 sends the same x from all malicious clients; above 0 all but the
      first send a point drawn uniformly from the ball of that radius round x.
    direction: what s is the sign of: `mean`, which suits any rule, or `krum`,
      as in the paper, whose server runs Krum, and in FedER's Krum attack.

  Returns:
    The attack; full knowledge by default.

  Raises:
    ValueError: if tolerance is not positive, radius is negative or direction
      is unknown.

  References:
    Fang, Cao, Jia and Gong, "Local Model Poisoning Attacks to
    Byzantine-Robust Federated Learning", USENIX Security 2020, section 4.2
    and Theorem 1.
  """
  if not 0 < tolerance < float('inf'):
    raise ValueError(
      f'Attack fang_krum needs a finite tolerance > 0; got {tolerance}.'
    )
  known_rows.require_non_negative('fang_krum', 'radius', radius)
  known_rows.require_choice(
    'fang_krum', 'direction', direction, ('mean', 'krum')
  )

  def craft(
    own: tf.Tensor, benign: tf.Tensor, context: attack_lib.AttackContext
  ) -> tf.Tensor:
    num_malicious = known_rows.num_rows(own)

    def crafted() -> tf.Tensor:
      away_from = None
      if direction == 'krum':
        honest = tf.concat([own, benign], axis=0)
        away_from = krum_search.krum_pick(honest, num_malicious)
      known = krum_search.view(known_rows.known_rows(own, benign), away_from)
      is_full = known_rows.num_rows(benign) > 0
      first = tf.where(is_full, num_malicious, 1)
      size = _search(known, first, num_malicious, tf.shape(own)[1], tolerance)
      vector = -tf.cast(size, own.dtype) * known.direction
      rows = tf.broadcast_to(vector, tf.shape(own))  # [c, d]
      return rows + _spread(rows, radius, context) if radius else rows

    return known_rows.branch(num_malicious, crafted, lambda: own)

  return attack_lib.Attack(
    name='fang_krum', craft=craft, default_knowledge='full', space='update'
  )


def _search(
  known: krum_search.KrumView,
  first: tf.Tensor,
  last: tf.Tensor,
  dimension: tf.Tensor,
  tolerance: float,
) -> tf.Tensor:
  """Returns lambda, trying `first` to `last` copies, each from the bound."""

  def unsettled(size, copies, is_settled):
    del size, copies
    return tf.logical_not(is_settled)

  def step(size, copies, is_settled):
    del is_settled
    wins = krum_search.is_selected(known, size, copies)
    is_spent = size < tolerance
    is_settled = wins | (is_spent & (copies >= last))
    more = copies + tf.cast(is_spent, tf.int32)
    start_over = krum_search.largest_lambda(known, more, dimension)
    smaller = tf.where(is_spent, start_over, size / 2)
    return (
      tf.where(is_settled, size, smaller),
      tf.where(is_settled, copies, more),
      is_settled,
    )

  start = krum_search.largest_lambda(known, first, dimension)
  return tf.while_loop(unsettled, step, (start, first, tf.constant(False)))[0]


def _spread(
  rows: tf.Tensor, radius: float, context: attack_lib.AttackContext
) -> tf.Tensor:
  """Returns offsets [c, d] uniform in a ball; the first is 0."""
  seed = known_rows.round_seed(context, 'fang_krum')
  normal = tf.random.stateless_normal(tf.shape(rows), seed, alg='philox')
  share = tf.random.stateless_uniform(
    tf.shape(rows)[:1], seed + 1, alg='philox'
  )[:, None]
  dimension = tf.cast(tf.shape(rows)[1], rows.dtype)
  length = radius * tf.pow(share, 1 / dimension)
  length *= tf.cast(tf.range(tf.shape(rows)[0]) > 0, rows.dtype)[:, None]
  return length * normal / tf.norm(normal, axis=1, keepdims=True)
