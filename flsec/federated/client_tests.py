"""What clients say of candidate weights, as one federated computation.

A server without validation examples sends its model and, for each weight, the
candidate from which it is zero; every client tests all candidates on its own
examples, in one exchange, and reports how accurate they are.
"""

import collections
from typing import Callable, Optional

import tensorflow as tf
import tensorflow_federated as tff

from flsec.attacks.attack import Observed
from flsec.federated import (
  client_work,
  one_thread,
  process,
  reports,
  stacking,
  state,
)
from flsec.federated.batches import Batches, Shard
from flsec.federated.plan import Plan
from flsec.models.channel_cut import ChannelCut
from flsec.models.channel_layer import channel_layer

Struct = collections.OrderedDict


def build_client_tests(
  plan: Plan, *, layer: Optional[str] = None, num_points: int = 1
) -> tff.templates.IterativeProcess:
  """Builds the exchange in which clients test candidates.

  Candidate k has the weights at which `zeroed_at` is above k, and zero
  elsewhere. Weights outside the layer have to be the same in all of them.

  Args:
    plan: the round's plan; its attack may lie.
    layer: the layer that candidates differ in; None: the last conv layer.
      It does not matter where there is one candidate alone.
    num_points: candidates.

  Returns:
    A process over `tests_state(server state, zeroed_at)`, which it leaves as it
    is. Its output holds, by client: client_id int32 [n], accuracies float32
    [n, num_points], count int32 [n] (examples tested on).
  """
  parts = stacking.joining(
    Struct(
      client_id=tf.TensorSpec([None], tf.int32),
      accuracies=tf.TensorSpec([None, num_points], tf.float32),
      count=tf.TensorSpec([None], tf.int32),
    ),
    lambda result: Struct(
      (name, value[tf.newaxis]) for name, value in result.items()
    ),
    sums=(),
  )
  return process.build_exchange(
    initial_state=lambda: tests_state(state.initial_state(plan)),
    client_spec=client_work.client_type(plan),
    broadcast_of=lambda asked: asked,
    work=_build_work(plan, layer, num_points),
    parts=parts,
    update=lambda asked, total: (
      asked,
      stacking.in_client_order(total, sums=()),
    ),
  )


def tests_state(
  server_state: Struct, zeroed_at: Optional[tf.Tensor] = None
) -> Struct:
  """Picks what clients that test are told.

  Args:
    server_state: of the round.
    zeroed_at: int32 [d], the first candidate at which a weight is zero; None:
      none is in any.
  """
  asked = reports.asked_state(server_state)
  if zeroed_at is None:
    zeroed_at = tf.fill(tf.shape(asked['weights']), tf.int32.max)
  asked['zeroed_at'] = tf.cast(zeroed_at, tf.int32)
  return asked


def _build_work(
  plan: Plan, layer: Optional[str], num_points: int
) -> Callable[[Struct, Struct], Struct]:
  """Builds `(broadcast, client) -> result`."""
  count_right = _build_count(plan, layer, num_points)
  has_lie = plan.attack is not None and plan.attack.attack.report is not None

  def work(broadcast: Struct, client: Struct) -> Struct:
    right = count_right(broadcast, client)
    examples = tf.cast(client['count'], tf.float32)
    accuracies = tf.math.divide_no_nan(tf.cast(right, tf.float32), examples)
    if has_lie:
      accuracies = tf.cond(
        plan.attack.is_attacker(client['rank'], broadcast['round'] + 1),
        lambda: _lie(plan, broadcast, client, accuracies),
        lambda: accuracies,
      )
    return Struct(
      client_id=client['client_id'],
      accuracies=accuracies,
      count=client['count'],
    )

  return work


def _lie(
  plan: Plan, broadcast: Struct, client: Struct, honest: tf.Tensor
) -> tf.Tensor:
  lie = plan.attack.attack.report(
    honest,
    Observed('accuracies'),
    client_work.attack_context(plan, broadcast, client),
  )
  return tf.ensure_shape(tf.cast(lie, tf.float32), honest.shape)


def _build_count(
  plan: Plan, layer: Optional[str], num_points: int
) -> Callable[[Struct, Struct], tf.Tensor]:
  """Builds how many of a client's examples each candidate gets right."""
  model = plan.model
  batches = Batches(plan.clients.batch_size, plan.padded)
  # Candidates share what lies below the layer.
  cut = None
  if num_points > 1:
    name = channel_layer('a test', model.layout, layer).name
    cut = ChannelCut(model, name)

  def count_right(broadcast: Struct, client: Struct) -> tf.Tensor:
    shard = Shard(client['x'], client['y'], client['count'])
    weights, zeroed_at = broadcast['weights'], broadcast['zeroed_at']

    def step(position, right):
      x, y, _, mask = batches.take(shard, position)
      x = model.inputs(x)
      at_cut = cut.below(weights, x) if cut else [x]

      def test(point):
        candidate = tf.where(zeroed_at > point, weights, 0.0)
        run = cut.above if cut else lambda w, tensors: model.logits(w, *tensors)
        logits = run(candidate, at_cut)
        found = tf.argmax(logits, axis=1, output_type=tf.int32)
        hits = tf.cast(tf.equal(found, y), tf.float32)
        hits = hits if mask is None else hits * mask
        return tf.cast(tf.reduce_sum(hits), tf.int32)

      return right + tf.map_fn(test, tf.range(num_points))

    if not plan.padded:
      step = one_thread.on_one_thread(step)
    return tf.while_loop(
      lambda position, _: position < batches.per_epoch(client['count']),
      lambda position, right: (position + 1, step(position, right)),
      (0, tf.zeros([num_points], tf.int32)),
    )[1]

  return count_right
