"""Says before training where an attack would change nothing."""

from collections.abc import Sequence
from typing import Callable

import numpy as np
import tensorflow as tf
from absl import logging

from flsec import seeds
from flsec.attacks.attack import Attack, AttackContext
from flsec.config import schema
from flsec.data.dataset import Split
from flsec.experiment import assembly
from flsec.federated.plan import Plan

# Examples that are looked at together.
_CHUNK = 4096
# (x as stored, y, labels of the attack, rank, seed) -> whether any is changed.
_Changes = Callable[..., tf.Tensor]


def check_attack(
  experiment: schema.Experiment, assembled: assembly.Assembly
) -> None:
  """Refuses an attack that is none, and warns of attackers that are none.

  Every malicious client's examples go through the attack once, in batches as
  long as those of training. A run whose rounds end before the attack starts is
  warned of, not refused: so are experiments cut short to try them out.

  Args:
    experiment: a validated configuration.
    assembled: what was made of it.

  Raises:
    ValueError: the attack changes no example of any malicious client; names
      them.
  """
  if assembled.plan.attack is None:
    return
  _check_participation(experiment, assembled)
  _check_examples(experiment, assembled)


def _check_participation(
  experiment: schema.Experiment, assembled: assembly.Assembly
) -> None:
  """Warns where no malicious client takes part in an attacked round."""
  attack, malicious = experiment.attack, assembled.malicious
  last = min(experiment.rounds, attack.stop_round or experiment.rounds)
  for number in range(attack.start_round, last + 1, attack.every):
    ids = assembly.select_clients(experiment, malicious, number)
    if malicious[ids].any():
      return
  reason = (
    f'attack.start_round is {attack.start_round}, and rounds {last}'
    if attack.start_round > last
    else f'in the attacked rounds ({attack.start_round} to {last}, every '
    f'{attack.every}) clients.selection: {experiment.clients.selection} takes '
    f'none of the malicious clients {_named(np.flatnonzero(malicious))}'
  )
  logging.warning('attack: nobody attacks in this run: %s.', reason)


def _check_examples(
  experiment: schema.Experiment, assembled: assembly.Assembly
) -> None:
  """Checks that malicious clients hold examples that the attack changes."""
  plan, federation = assembled.plan, assembled.federation
  attack = plan.attack.attack
  if attack.poison is None and not attack.source_labels:
    return
  size = experiment.clients.batch_size
  changes = attack.poison and _changes(plan)
  without, seldom = [], []
  malicious = np.flatnonzero(assembled.malicious)
  for rank, client in enumerate(malicious):
    shard = federation.client(client)
    if changes is None:
      if not np.isin(shard.y, attack.source_labels).any():
        without.append(client)
      continue
    labels = shard.y
    if federation.attack_y is not None:
      own = federation.offsets[client : client + 2]
      labels = federation.attack_y[slice(*own)]
    stream = experiment.seed, 'attack check', int(client)
    order = seeds.generator(*stream).permutation(len(shard))
    arguments = changes, shard, labels, order, rank, seeds.stream(*stream)
    if not _changes_any(*arguments, size):
      found = _changes_any(*arguments, _CHUNK)
      (seldom if found else without).append(client)
  if len(without) + len(seldom) == len(malicious) and _is_idle_then(attack):
    raise ValueError(
      f'attack: {_why(attack, without, seldom, size)} Nobody would attack.'
    )
  if without or seldom:
    logging.warning('attack: %s', _why(attack, without, seldom, size))


def _is_idle_then(attack: Attack) -> bool:
  """Tells whether nothing is left of an attack that changes no example."""
  acts = (attack.gradient, attack.update, attack.train, attack.craft)
  return attack.victims is not None or not any(acts)


def _why(
  attack: Attack, without: Sequence[int], seldom: Sequence[int], size: int
) -> str:
  parts = []
  if without:
    kinds = ' or '.join(map(str, attack.source_labels))
    held = f' of class {kinds}' if kinds else ' that it changes'
    parts.append(
      f'the malicious clients {_named(without)} hold no example{held}, so that '
      f'{attack.name} teaches them nothing. Place attackers where these are '
      '(attack.placement: holders, or attack.indices), or change the partition.'
    )
  if seldom:
    parts.append(
      f'in none of the batches of {size} of the malicious clients '
      f'{_named(seldom)} does {attack.name} change an example. Raise '
      'poison_fraction, give num_poisoned, or raise clients.batch_size.'
    )
  return ' '.join(parts)


def _named(clients: Sequence[int]) -> str:
  return ', '.join(str(int(client)) for client in clients)


def _changes(plan: Plan) -> _Changes:
  """Builds what tells whether the attack changes any of some examples."""
  attack = plan.attack
  model = plan.model

  def changes(x, y, labels, rank, seed) -> tf.Tensor:
    inputs = model.inputs(x)
    context = AttackContext(
      weights=tf.constant(plan.initial_weights),
      previous_update=tf.zeros([plan.dimension]),
      round_number=tf.constant(attack.start_round),
      seed=seed,
      state=attack.state,
      num_clients=tf.constant(plan.num_participants),
      num_byzantine=tf.constant(attack.num_participants),
      client_rank=rank,
      attack_labels=labels,
      layout=model.layout,
      model=model,
    )
    new_x, new_y = attack.attack.poison(inputs, y, context)
    return tf.logical_or(
      tf.reduce_any(tf.not_equal(new_x, inputs)),
      tf.reduce_any(tf.not_equal(new_y, y)),
    )

  labels = tf.TensorSpec([None], tf.int32)
  # Concrete: TensorFlow warns of functions that are traced again and again.
  return tf.function(changes, autograph=False).get_concrete_function(
    tf.TensorSpec([None, *model.input_shape], plan.example_dtype),
    labels,
    labels,
    tf.TensorSpec([], tf.int32),
    tf.TensorSpec([2], tf.int32),
  )


def _changes_any(
  changes: _Changes,
  shard: Split,
  labels: np.ndarray,
  order: np.ndarray,
  rank: int,
  seed: np.ndarray,
  size: int,
) -> bool:
  """Tells whether any example is changed in batches of a size."""
  for number, start in enumerate(range(0, len(order), size)):
    rows = order[start : start + size]
    found = changes(
      tf.constant(shard.x[rows]),
      tf.constant(shard.y[rows], tf.int32),
      tf.constant(labels[rows], tf.int32),
      tf.constant(rank),
      tf.constant(seed.astype(np.int32) + number),
    )
    if bool(found):
      return True
  return False
