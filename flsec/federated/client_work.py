"""What one client does in a round."""

import collections
from collections.abc import Sequence
from typing import Callable, Optional

import tensorflow as tf

from flsec.attacks.attack import AttackContext
from flsec.federated import attack_training, local_training, seed_folding, state
from flsec.federated.batches import Shard
from flsec.federated.local_training import Hooks, Trained
from flsec.federated.plan import Plan
from flsec.numerics import row_norms

Struct = collections.OrderedDict


def client_type(plan: Plan) -> Struct:
  """Returns the specs of what a client holds.

  x [s, ...] as stored; y int32 [s]; count int32, real examples among the s;
  client_id int32; rank int32, which of the malicious clients this one is, from
  0, and -1 for a benign client; seed int64 [2]; attack_y int32 [s], where the
  attack relabels examples.
  """
  scalar = tf.TensorSpec([], tf.int32)
  dtype = tf.as_dtype(plan.example_dtype)
  spec = Struct(
    x=tf.TensorSpec([None, *plan.model.input_shape], dtype),
    y=tf.TensorSpec([None], tf.int32),
    count=scalar,
    client_id=scalar,
    rank=scalar,
    seed=tf.TensorSpec([2], tf.int64),
  )
  if plan.attack is not None and plan.attack.attack.relabel:
    spec['attack_y'] = tf.TensorSpec([None], tf.int32)
  return spec


def build_client_work(
  plan: Plan,
  *,
  count: Optional[int] = None,
  is_malicious: Optional[bool] = None,
) -> Callable[[Struct, Struct], Struct]:
  """Builds `(broadcast, client) -> result`.

  The result holds `update` float32 [d], `loss` float32, `weight` float32 (its
  number of examples), `client_id` and `rank`, and the optimiser's slots where
  they live on.

  Args:
    plan: of the round.
    count: how many examples every client holds, where that is the same number
      and known: training then takes a known number of steps.
    is_malicious: whether the clients are the attacker's; None: their ranks say.
  """
  train = local_training.build_local_training(
    plan.model, plan.clients, padded=plan.padded
  )
  attacker = train
  if plan.attack is not None and plan.attack.training is not None:
    attacker = attack_training.build_attack_training(
      plan.model, plan.attack.training, padded=plan.padded
    )
  rows = local_training.num_slots(plan.clients)

  def work(broadcast: Struct, client: Struct) -> Struct:
    slots, seen = _slots(plan, broadcast, client, rows)
    held = client['count'] if count is None else count
    shard = Shard(client['x'], client['y'], held, client.get('attack_y'))

    def run(hooks=None, context=None, start=None, after=None) -> Trained:
      start = broadcast['weights'] if start is None else start
      moments = (after.slots, after.count) if after else (slots, seen)
      round_number = broadcast['round'] + 1
      return (train if context is None else attacker)(
        start,
        shard,
        client['seed'],
        round_number,
        *moments,
        hooks or Hooks(),
        context,
        broadcast.get('removed'),
      )

    trained = _trained(plan, broadcast, client, run, is_malicious)
    result = Struct(
      update=trained.update,
      loss=trained.loss,
      weight=tf.cast(client['count'], tf.float32),
      client_id=client['client_id'],
      rank=client['rank'],
    )
    if plan.keeps_slots:
      result.update(_kept_slots(trained, slots, seen))
    return result

  return work


def _slots(plan: Plan, broadcast: Struct, client: Struct, rows: int):
  if plan.keeps_slots:
    own = client['client_id']
    return (
      tf.gather(broadcast['slots'], own),
      tf.gather(broadcast['counts'], own),
    )
  return tf.zeros([rows, plan.dimension]), tf.constant(0)


def _kept_slots(trained: Trained, slots: tf.Tensor, count: tf.Tensor) -> Struct:
  """Returns the slots after training; those before it where it went astray.

  An update that is not finite is dropped. Were its moments kept, they would
  spoil the client's every later update, too.
  """
  is_finite = tf.reduce_all(row_norms.finite_rows(trained.update[tf.newaxis]))
  is_finite &= tf.reduce_all(row_norms.finite_rows(trained.slots))
  slots, count = tf.cond(
    is_finite, lambda: (trained.slots, trained.count), lambda: (slots, count)
  )
  return Struct(slots=slots, count=count)


def _trained(
  plan: Plan,
  broadcast: Struct,
  client: Struct,
  run: Callable[..., Trained],
  is_malicious: Optional[bool],
) -> Trained:
  """Trains honestly, or as the attack has it where this client attacks."""
  if plan.attack is None or not plan.attack.changes_training:
    return run()
  if is_malicious is False:
    return run()
  if is_malicious and plan.attack.is_always_active:
    return _attack_training(plan, broadcast, client, run)
  round_number = broadcast['round'] + 1
  attacks = (
    plan.attack.is_active(round_number)
    if is_malicious
    else plan.attack.is_attacker(client['rank'], round_number)
  )
  # Two whole trainings in the graph, so that honest clients pay for no hook.
  return Trained(
    *tf.cond(
      attacks,
      lambda: _fields(_attack_training(plan, broadcast, client, run)),
      lambda: _fields(run()),
    )
  )


def _fields(trained: Trained) -> tuple[tf.Tensor, ...]:
  return trained.update, trained.slots, trained.count, trained.loss


def _attack_training(
  plan: Plan, broadcast: Struct, client: Struct, run: Callable[..., Trained]
) -> Trained:
  attack = plan.attack.attack
  context = attack_context(plan, broadcast, client)
  hooks = Hooks(attack.poison, attack.gradient, attack.project)
  if attack.train is None:
    trained = run(hooks, context)
  else:
    done = []

    def train_once(
      poison=None, gradient=None, project=None, start=None, goes_on=False
    ):
      hooks = Hooks(poison, gradient, project)
      after = _last(plan, done) if goes_on else None
      done.append((run(hooks, context, start, after), goes_on))
      return done[-1][0].update

    update = attack.train(train_once, context)
    # An attack may train several times. The first leaves the loss, and with
    # what goes on from it the moments.
    first = done[0][0]
    kept = next((one for one, goes_on in reversed(done) if goes_on), first)
    trained = Trained(update, kept.slots, kept.count, first.loss)
  update = trained.update
  if attack.update:
    update = attack.update(update, context)
  return Trained(update, trained.slots, trained.count, trained.loss)


def _last(plan: Plan, done: Sequence[tuple[Trained, bool]]) -> Trained:
  """Returns the training that another one goes on from."""
  training = plan.attack.training
  if training is not None and not training.keeps_slots:
    raise ValueError(
      f'{plan.attack.attack.name} goes on with the moments of its honest '
      "training, the client's own. Leave attack.training.optimizer out, or "
      "take the attack without replication='agramplifier'."
    )
  return done[-1][0]


def attack_context(
  plan: Plan, broadcast: Struct, client: Struct
) -> AttackContext:
  """Returns what a malicious client knows in the coming round."""
  round_number = broadcast['round'] + 1
  return AttackContext(
    weights=broadcast['weights'],
    previous_update=broadcast['previous_update'],
    round_number=round_number,
    seed=seed_folding.fold(client['seed'], round_number),
    state=state.own_state(broadcast, 'attack', plan.attack.state),
    num_clients=tf.constant(plan.num_participants),
    num_byzantine=tf.constant(plan.attack.num_participants),
    client_rank=client['rank'],
    removed=broadcast.get('removed'),
    layout=plan.model.layout,
    model=plan.model,
  )
