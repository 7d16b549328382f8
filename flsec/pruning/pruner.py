"""What a pruner is: a frozen record of pure TensorFlow functions."""

import dataclasses
from typing import Callable, Optional

import tensorflow as tf

from flsec.models.layout import Layout

Record = dict[str, tf.Tensor]


@dataclasses.dataclass(frozen=True)
class PruningContext:
  """What the server knows when it prunes.

  Attributes:
    round_number: int32 scalar, 1 in the first round.
    seed: int32 [2], a stateless seed of this round's pruning.
    input_range: legitimate (low, high) of the model's inputs.
  """

  round_number: Optional[tf.Tensor] = None
  seed: Optional[tf.Tensor] = None
  input_range: tuple[float, float] = (0.0, 1.0)


# (weights float32 [d], layout, context) -> (weights [d], mask bool [d], record)
Prune = Callable[
  [tf.Tensor, Layout, PruningContext], tuple[tf.Tensor, tf.Tensor, Record]
]


@dataclasses.dataclass(frozen=True)
class Pruner:
  """A post-aggregation pruner.

  Attributes:
    name: the registered name.
    prune: zeroes units of the weight vector; shapes stay. `mask` is True where
      an entry belongs to a unit that this call pruned. `record` says per layer
      which units went and why: `<layer>/units` int32 [k], `<layer>/scores`
      float32 [k], for pairs also `<layer>/partners` int32 [k]; k is static, and
      -1 fills a place where no unit was left to prune.
    start_round: first round in which the server prunes.
    every: rounds between two prunings.
    persistent: whether pruned entries are zeroed again after every later
      aggregation (see `flsec.pruning.schedule`); otherwise clients may train
      them back.
  """

  name: str
  prune: Prune
  start_round: int = 1
  every: int = 5
  persistent: bool = False

  def is_due(self, round_number: tf.Tensor) -> tf.Tensor:
    """Tells whether the server prunes in this round (bool scalar)."""
    since = round_number - self.start_round
    # Not `==`, which compares identities in the graphs that TFF builds.
    return tf.logical_and(since >= 0, tf.equal(since % self.every, 0))
