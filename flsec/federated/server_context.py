"""What a rule is told of the server in a round."""

import functools
from typing import Optional

import tensorflow as tf

from flsec.aggregators.rule import ServerContext
from flsec.data.dataset import Split
from flsec.federated import root_training
from flsec.federated.root_training import RootTraining
from flsec.models.flat import FlatModel


def build_server_context(
  *,
  model: FlatModel,
  training: Optional[RootTraining],
  root: Optional[Split],
  validation: Optional[Split],
  weights: tf.Tensor,
  round_number: tf.Tensor,
  seed: tf.Tensor,
) -> ServerContext:
  """Builds a round's context.

  Args:
    model: the flat model.
    training: what a root update is made by; None: there is none.
    root, validation: the server's own examples, or None.
    weights: float32 [d], the global weights.
    round_number: int32 scalar, from 1.
    seed: int32 [2], of this round's rule.
  """
  train = training and root_training.build_root_training(model, training)

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
    train=train and functools.partial(train, round_number=round_number),
  )
