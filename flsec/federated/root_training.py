"""The server's training on its root examples, apart from the clients' own."""

import dataclasses
from typing import Callable, Optional

import tensorflow as tf

from flsec.config import schema
from flsec.config.root_training import RootTrainingConfig
from flsec.federated import local_training, optimizers, seed_folding
from flsec.federated.batches import Batches, Shard, shuffled
from flsec.models.flat import FlatModel

# (weights [d], x [s, ...] as stored, y int32 [s], seed, round_number)
#   -> update [d].
RootUpdate = Callable[..., tf.Tensor]


@dataclasses.dataclass(frozen=True)
class RootTraining:
  """What a root update (FLTrust, FedER) is made by.

  Attributes:
    optimizer: its moments start at 0 in every round.
    steps: optimiser steps.
    batch_size: examples in a step; None: all of them.
  """

  optimizer: schema.OptimizerConfig
  steps: int = 1
  batch_size: Optional[int] = None

  @classmethod
  def of(
    cls, config: RootTrainingConfig, clients: schema.OptimizerConfig
  ) -> 'RootTraining':
    """Takes from the clients' optimiser what the configuration leaves out."""
    optimizer = clients
    if config.optimizer not in (None, clients.name):  # With a rate of its own.
      optimizer = schema.OptimizerConfig(
        name=config.optimizer, learning_rate=config.learning_rate
      )
    elif config.learning_rate is not None:
      optimizer = dataclasses.replace(
        clients, learning_rate=config.learning_rate, decay_rounds=()
      )
    return cls(optimizer, config.steps, config.batch_size)


def build_root_training(model: FlatModel, training: RootTraining) -> RootUpdate:
  """Builds the server's training on root examples.

  With all examples a step, one step of SGD is `- rate * gradient of the mean
  loss`. With fewer, each step draws its batch anew, with no example twice.

  Args:
    model: the flat model.
    training: steps, batch size, optimiser.

  Returns:
    `(weights float32 [d], x [s, ...] as stored, y int32 [s], seed int32 [2],
    round_number int32) -> update float32 [d]`, s being known statically.
  """
  optimizer = optimizers.build_optimizer(training.optimizer)

  def train(weights, x, y, seed, round_number) -> tf.Tensor:
    num_examples = y.shape[0]
    size = num_examples if training.batch_size is None else training.batch_size
    if size > num_examples:
      raise ValueError(
        f'Root training needs batch_size <= the number of root examples; got '
        f'batch_size={size} and {num_examples} examples. Lower '
        'server.root_training.batch_size or raise dataset.root.size.'
      )
    shard = Shard(x, y, tf.constant(num_examples))
    step = local_training.build_step(
      model,
      optimizer,
      Batches(size, padded=False),
      optimizers.learning_rate(training.optimizer, round_number),
      seed,
      local_training.Hooks(),
      None,
    )

    def body(index, carry):
      batch = shard
      if size < num_examples:
        # Another stream than the step's own seed, which dropout draws from.
        order_seed = seed_folding.fold(seed, -1, index)
        batch = shuffled(shard, order_seed, size)
      return index + 1, step(index, batch, 0, carry)

    slots = tuple(tf.zeros_like(weights) for _ in range(optimizer.num_slots))
    start = (weights, slots, tf.constant(0), tf.constant(0.0))
    _, end = tf.while_loop(
      lambda index, _: index < training.steps, body, (tf.constant(0), start)
    )
    return end[0] - weights

  return train
