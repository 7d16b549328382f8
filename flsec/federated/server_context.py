"""What a rule is told of the server in a round."""

from typing import Optional

import tensorflow as tf

from flsec.aggregators.rule import ServerContext
from flsec.config import schema
from flsec.data.dataset import Split
from flsec.federated import local_training
from flsec.models.flat import FlatModel


def build_server_context(
  *,
  model: FlatModel,
  clients: Optional[schema.ClientsConfig],
  root: Optional[Split],
  validation: Optional[Split],
  weights: tf.Tensor,
  round_number: tf.Tensor,
  seed: tf.Tensor,
  padded: bool = False,
) -> ServerContext:
  """Builds a round's context; `train` trains as an honest client does.

  Args:
    model: the flat model.
    clients: local training, for a root update; None: there is none.
    root, validation: the server's own examples, or None.
    weights: float32 [d], the global weights.
    round_number: int32 scalar, from 1.
    seed: int32 [2], of this round's rule.
    padded: as for clients, fill up batches (for XLA).
  """
  train = clients and local_training.build_local_training(
    model, clients, padded=padded
  )

  def root_update(weights, x, y, seed) -> tf.Tensor:
    rows = local_training.num_slots(clients)
    return train(
      weights,
      local_training.Shard.of(x, y, clients.batch_size if padded else None),
      tf.cast(seed, tf.int64),
      round_number,
      tf.zeros([rows, model.num_weights]),
      tf.constant(0),
      local_training.Hooks(),
      None,
    ).update

  def examples(split):
    return split and (tf.constant(split.x), tf.constant(split.y))

  return ServerContext(
    weights=weights,
    round_number=round_number,
    seed=seed,
    model=model,
    layout=model.layout,
    root=examples(root),
    validation=examples(validation),
    train=root_update if train else None,
  )
