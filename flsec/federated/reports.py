"""What clients report of a layer's channels, as one federated computation.

The server sends its model; every client measures how active each channel is on
its own examples, and sends the order alone; the server adds up what is valid.
It is an exchange beside the round, which every runtime runs.
"""

import collections
from typing import Callable, Optional

import tensorflow as tf
import tensorflow_federated as tff

from flsec.attacks.attack import Observed, Victims
from flsec.defenses import votes
from flsec.defenses.phase import Question
from flsec.federated import (
  client_work,
  one_thread,
  process,
  stacking,
  state,
)
from flsec.federated.batches import Batches, Shard
from flsec.federated.plan import Plan
from flsec.models.channel_layer import channel_layer

Struct = collections.OrderedDict
_SUMS = ('sums', 'valid', 'dropped')
_VALID = {'ranks': votes.are_ranks, 'bits': votes.are_bits}
_ASKED = ('weights', 'round', 'previous_update', 'attack', 'removed')


def build_reports(
  plan: Plan, question: Question
) -> tff.templates.IterativeProcess:
  """Builds the exchange in which clients report.

  A client's activation of channel c is the mean over its examples of the sum of
  c over all positions, behind the activation function and before pooling. A
  report that is none (ranks that are no permutation of 1 to C, bits other than
  0 and 1, or that of a client without examples) is dropped and counted.

  Args:
    plan: the round's plan; its attack may lie.
    question: what clients are asked.

  Returns:
    A process over `asked_state(server state)`, which it leaves as it is. Its
    output holds sums int64 [C], valid and dropped int32; and for pictures of a
    simulation, by client: client_id int32 [n], is_valid bool [n], reports int32
    [n, C].
  """
  layer = channel_layer('a vote', plan.model.layout, question.layer)
  row = tf.TensorSpec([None, layer.units], tf.int32)
  parts = stacking.joining(
    Struct(
      sums=tf.TensorSpec([layer.units], tf.int64),
      valid=tf.TensorSpec([], tf.int32),
      dropped=tf.TensorSpec([], tf.int32),
      client_id=tf.TensorSpec([None], tf.int32),
      is_valid=tf.TensorSpec([None], tf.bool),
      reports=row,
    ),
    lambda result: _single(result, question.kind),
    sums=_SUMS,
  )
  return process.build_exchange(
    initial_state=lambda: asked_state(state.initial_state(plan)),
    client_spec=client_work.client_type(plan),
    broadcast_of=lambda asked: asked,
    work=_build_work(plan, question, layer.name),
    parts=parts,
    update=lambda asked, total: (
      asked,
      stacking.in_client_order(total, sums=_SUMS),
    ),
  )


def asked_state(server_state: Struct) -> Struct:
  """Picks what clients that are asked are told of the server's state."""
  return Struct(
    (name, server_state[name]) for name in _ASKED if name in server_state
  )


def _single(result: Struct, kind: str) -> Struct:
  """Makes the aggregate of one client's report; this is the server's part."""
  report = result['report']
  is_valid = tf.logical_and(_VALID[kind](report), result['count'] > 0)
  counted = tf.cast(is_valid, tf.int32)
  return Struct(
    sums=tf.cast(tf.where(is_valid, report, 0), tf.int64),
    valid=counted,
    dropped=1 - counted,
    client_id=result['client_id'][tf.newaxis],
    is_valid=is_valid[tf.newaxis],
    reports=report[tf.newaxis],
  )


def _build_work(
  plan: Plan, question: Question, layer: str
) -> Callable[[Struct, Struct], Struct]:
  """Builds `(broadcast, client) -> result`."""
  measure = _build_measure(plan, layer)
  has_lie = plan.attack is not None and plan.attack.attack.report is not None

  def honest_report(activations: tf.Tensor) -> tf.Tensor:
    if question.kind == 'ranks':
      return votes.ranks(activations)
    return votes.bits(activations, question.share)

  def false_report(broadcast, client, clean, report) -> tf.Tensor:
    attack = plan.attack.attack
    triggered = clean
    if attack.victims:
      triggered = measure(broadcast, client, attack.victims, clean)
    lie = attack.report(
      report,
      Observed(question.kind, clean, triggered, honest_report),
      client_work.attack_context(plan, broadcast, client),
    )
    return tf.ensure_shape(tf.cast(lie, tf.int32), report.shape)

  def work(broadcast: Struct, client: Struct) -> Struct:
    clean = measure(broadcast, client)
    report = honest_report(clean)
    if has_lie:
      report = tf.cond(
        plan.attack.is_attacker(client['rank'], broadcast['round'] + 1),
        lambda: false_report(broadcast, client, clean, report),
        lambda: report,
      )
    return Struct(
      report=report,
      count=client['count'],
      client_id=client['client_id'],
    )

  return work


def _build_measure(plan: Plan, layer: str) -> Callable[..., tf.Tensor]:
  """Builds the mean activation of each channel on a client's examples.

  With `victims` it is that on those of them that are victims, as the attack
  shows them to the model; `otherwise` where there is none.
  """
  model = plan.model
  batches = Batches(plan.clients.batch_size, plan.padded)
  units = model.layout[layer].units

  def measure(
    broadcast: Struct,
    client: Struct,
    victims: Optional[Callable[..., Victims]] = None,
    otherwise: Optional[tf.Tensor] = None,
  ) -> tf.Tensor:
    shard = Shard(client['x'], client['y'], client['count'])

    def step(position, total, num_counted):
      x, y, _, mask = batches.take(shard, position)
      x = model.inputs(x)
      counted = tf.ones_like(y, tf.float32) if mask is None else mask
      if victims:
        found = victims(x, y)
        x = found.x
        counted *= tf.cast(found.mask, tf.float32)
      active = model.activations(broadcast['weights'], x, layer)
      positions = list(range(1, active.shape.rank - 1))
      sums = tf.reduce_sum(active, positions)  # [b, C]
      sums = tf.where(counted[:, tf.newaxis] > 0, sums, 0.0)
      return (
        total + tf.reduce_sum(tf.cast(sums, tf.float64), axis=0),
        num_counted + tf.reduce_sum(counted),
      )

    if not plan.padded:
      step = one_thread.on_one_thread(step)
    _, total, num_counted = tf.while_loop(
      lambda position, *_: position < batches.per_epoch(client['count']),
      lambda position, *carry: (position + 1, *step(position, *carry)),
      (0, tf.zeros([units], tf.float64), 0.0),
    )
    mean = tf.math.divide_no_nan(total, tf.cast(num_counted, tf.float64))
    mean = tf.cast(mean, tf.float32)
    return tf.where(num_counted > 0, mean, otherwise) if victims else mean

  return measure
