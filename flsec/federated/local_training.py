"""A client's local training: mini-batch steps on one flat weight vector.

The whole training is one graph: examples stay as stored until their batch is
used, batches are slices of one tensor, and no Python runs per batch.
"""

import dataclasses
from typing import Callable, Optional, Union

import tensorflow as tf

from flsec.attacks import attack as attack_lib
from flsec.config import schema
from flsec.federated import (
  augmentation,
  one_thread,
  optimizers,
  penalties,
  seed_folding,
  split_weights,
)
from flsec.federated.batches import Batches, shuffled
from flsec.models import flat


@dataclasses.dataclass(frozen=True)
class Hooks:
  """What an attacker changes in local training; None: as an honest client."""

  poison: Optional[attack_lib.Poison] = None
  gradient: Optional[attack_lib.GradientHook] = None
  project: Optional[attack_lib.Projection] = None

  @property
  def sees_vectors(self) -> bool:
    """Whether one of them is given weights, or a gradient."""
    return self.gradient is not None or self.project is not None


@dataclasses.dataclass(frozen=True)
class Trained:
  """What a local training leaves.

  Attributes:
    update: float32 [d], `w_end - w_start`.
    slots: float32 [num_slots, d], the optimiser's slots.
    count: int32, optimiser steps that the slots have seen.
    loss: float32, mean training loss (nats) over all steps; 0 without any.
  """

  update: tf.Tensor
  slots: tf.Tensor
  count: tf.Tensor
  loss: tf.Tensor


# (weights [d], shard, seed, round_number, slots, count, hooks, context,
#   removed=None)
LocalTraining = Callable[..., Trained]
Number = Union[int, tf.Tensor]


def build_local_training(
  model: flat.FlatModel,
  clients: schema.ClientsConfig,
  *,
  padded: bool,
  batches: Optional[Batches] = None,
) -> LocalTraining:
  """Builds the local training of `clients` on `model`.

  Args:
    model: the flat model.
    clients: epochs or steps, batch size, optimiser.
    padded: shards are padded to whole batches and masked, so that every shape
      is static and XLA can compile it. Otherwise the last batch is short.
    batches: how examples are cut; None: into all batches of an epoch, as they
      come.

  Returns:
    `(weights, shard, seed, round_number, slots, count, hooks, context,
    removed=None) -> Trained`. An epoch visits every example once, in an order
    drawn from `seed`; with `steps`, the batches go on where the last round
    stopped. With independent sampling each step draws its batch from all
    examples, none of them twice in it; a client that holds fewer takes all. A
    shard without examples trains no step. Weights that are removed, bool [d],
    are 0 after every step, whatever gradient, momentum or hooks say.

  Raises:
    ValueError: the last conv layer is to be penalised, and there is none; or
      images are to be augmented, and there are none.
  """
  optimizer = optimizers.build_optimizer(clients.optimizer)
  batches = batches or Batches(clients.batch_size, padded)
  penalty = penalties.build_penalty(model.layout, clients)
  augment = augmentation.build_augmentation(
    clients.augmentation, model.input_shape
  )
  is_independent = clients.sampling == 'independent'

  def train(
    weights,
    shard,
    seed,
    round_number,
    slots,
    count,
    hooks,
    context,
    removed=None,
  ) -> Trained:
    per_epoch = batches.per_epoch(shard.count)
    if clients.steps is None or is_independent:
      seed = seed_folding.fold(seed, round_number)
    rate = optimizers.learning_rate(clients.optimizer, round_number)
    is_penalized = context is None or clients.last_conv_l2_of == 'all'
    own_penalty = penalty if is_penalized else None
    # Whoever looks at all weights, or at all of a gradient, gets one vector.
    sizes = None
    if not (padded or own_penalty or hooks.sees_vectors or removed is not None):
      sizes = split_weights.sizes_of(model.layout)
    step = build_step(
      model,
      split_weights.by_parts(optimizer, sizes),
      batches,
      rate,
      seed,
      hooks,
      context,
      removed=removed,
      augment=augment,
      moves_statistics=clients.moving_statistics == 'shared',
      penalty=own_penalty,
    )
    if not padded:
      step = one_thread.on_one_thread(step)
    vectors = split_weights.split((weights, tuple(tf.unstack(slots))), sizes)
    start = (*vectors, count, tf.constant(0.0))
    total = clients.epochs * per_epoch
    if clients.steps is not None:
      total = _if_any(shard.count, clients.steps)
    if is_independent:
      end = _run_independent(total, batches.num_drawn, shard, seed, step, start)
    elif clients.steps is None:
      end = _run_epochs(clients.epochs, per_epoch, shard, seed, step, start)
    else:
      first = (round_number - 1) * clients.steps
      end = _run_steps(total, first, per_epoch, shard, seed, step, start)
    trained, kept = split_weights.join(end[0], end[1], sizes)
    return Trained(
      update=trained - weights,
      slots=tf.stack(kept) if kept else slots,
      count=end[2],
      loss=end[3] / tf.cast(tf.maximum(total, 1), tf.float32),
    )

  return train


def build_step(
  model,
  optimizer,
  batches,
  rate,
  seed,
  hooks,
  context,
  *,
  removed=None,
  augment=None,
  moves_statistics=True,
  penalty=None,
):
  """Builds `(index, epoch's shard, batch in it, carry) -> carry`.

  The carry is (weights [d], slots, count int32, sum of batch losses); weights
  and slots are in parts where the optimiser takes them so (`split_weights`).
  """

  def step(index, shard, position, carry):
    weights, slots, count, loss = carry
    x, y, attack_y, mask = batches.take(shard, position)
    step_seed = seed_folding.fold(seed, index)
    own = context and dataclasses.replace(
      context,
      seed=step_seed,
      num_examples=None if mask is None else _count(mask),
      attack_labels=attack_y,
    )
    x = model.inputs(augment(x, step_seed) if augment else x)
    if hooks.poison:
      x, y = hooks.poison(x, y, own)
    batch_loss, gradient, statistics = model.differentiate(
      weights, x, y, mask=mask, seed=step_seed
    )
    if penalty:
      batch_loss, gradient = penalty(weights, batch_loss, gradient)
    if hooks.gradient:
      gradient = hooks.gradient(gradient, weights, own)
    count += 1
    weights, slots = optimizer.step(weights, slots, gradient, rate, count)
    if moves_statistics:
      weights = model.with_statistics(weights, statistics)
    if hooks.project:
      weights = hooks.project(weights, own)
    if removed is not None:
      weights = tf.where(removed, tf.zeros_like(weights), weights)
    return weights, slots, count, loss + batch_loss

  return step


def num_slots(clients: schema.ClientsConfig) -> int:
  """Returns the rows of the optimiser's slot matrix."""
  return optimizers.build_optimizer(clients.optimizer).num_slots


def _if_any(count: Number, steps: int) -> Number:
  """Returns how many steps a client takes; an int where `count` is one."""
  if isinstance(count, int):
    return steps if count else 0
  return tf.where(count > 0, steps, 0)


def _count(mask: tf.Tensor) -> tf.Tensor:
  return tf.cast(tf.reduce_sum(mask), tf.int32)


def _run_epochs(num_epochs, per_epoch, shard, seed, step, carry):
  def epoch(number, carry):
    mixed = shuffled(shard, seed_folding.fold(seed, -1, number))
    first = number * per_epoch

    def body(position, carry):
      return position + 1, step(first + position, mixed, position, carry)

    carry = tf.while_loop(
      lambda position, _: position < per_epoch, body, (0, carry)
    )[1]
    return number + 1, carry

  return tf.while_loop(
    lambda number, _: number < num_epochs, epoch, (0, carry)
  )[1]


def _run_steps(num_steps, first, per_epoch, shard, seed, step, carry):
  # An epoch may span several rounds: its order may not depend on the round.
  def body(index, carry):
    number = first + index
    mixed = shuffled(shard, seed_folding.fold(seed, -1, number // per_epoch))
    return index + 1, step(number, mixed, number % per_epoch, carry)

  return _repeat(num_steps, body, carry)


def _run_independent(num_steps, num_drawn, shard, seed, step, carry):
  def body(index, carry):
    drawn = shuffled(shard, seed_folding.fold(seed, -1, index), num_drawn)
    return index + 1, step(index, drawn, 0, carry)

  return _repeat(num_steps, body, carry)


def _repeat(count, body, carry):
  if isinstance(count, int) and count == 1:
    # No loop: what all clients start from is then the same for all in what is
    # computed of them together (`vectorized`).
    return body(tf.constant(0), carry)[1]
  return tf.while_loop(lambda index, _: index < count, body, (0, carry))[1]
