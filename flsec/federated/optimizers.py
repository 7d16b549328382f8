"""Local optimisers on one flat weight vector."""

import dataclasses
from typing import Callable

import tensorflow as tf

from flsec.config import schema

Slots = tuple[tf.Tensor, ...]  # float32 [d] each, in the optimiser's order.


@dataclasses.dataclass(frozen=True)
class Optimizer:
  """A local optimiser as pure functions.

  Attributes:
    num_slots: how many vectors it keeps from step to step.
    step: `(weights [d], slots, gradient [d], rate, count) -> (weights, slots)`;
      `rate` is the learning rate, `count` int32, 1 at the slots' first step.
      Slots are vectors of their own: a step copies none.
  """

  num_slots: int
  step: Callable[..., tuple[tf.Tensor, Slots]]


def build_optimizer(config: schema.OptimizerConfig) -> Optimizer:
  """Builds SGD (with heavy-ball momentum) or Adam (Kingma & Ba, ICLR 2015).

  Raises:
    ValueError: an unknown name.
  """
  if config.name == 'sgd':
    return _sgd(config.momentum)
  if config.name == 'adam':
    return _adam(config.beta_1, config.beta_2, config.epsilon)
  raise ValueError(f"optimizer is 'sgd' or 'adam'; got {config.name!r}.")


def learning_rate(
  config: schema.OptimizerConfig, round_number: tf.Tensor
) -> tf.Tensor:
  """Returns the float32 rate of a round, after the decays before it."""
  rate = tf.constant(config.learning_rate, tf.float32)
  for decay_round in config.decay_rounds:
    factor = tf.where(round_number >= decay_round, config.decay_factor, 1.0)
    rate *= factor
  return rate


def _sgd(momentum: float) -> Optimizer:
  def step(weights, slots, gradient, rate, count):
    del count
    if not momentum:
      return weights - rate * gradient, slots
    velocity = momentum * slots[0] + gradient
    return weights - rate * velocity, (velocity,)

  return Optimizer(num_slots=1 if momentum else 0, step=step)


def _adam(beta_1: float, beta_2: float, epsilon: float) -> Optimizer:
  def step(weights, slots, gradient, rate, count):
    power = tf.cast(count, tf.float32)
    # Bias corrections folded into the rate, as Keras does: the same numbers
    # as Algorithm 1 with epsilon scaled by sqrt(1 - beta_2^t).
    rate *= tf.sqrt(1.0 - beta_2**power) / (1.0 - beta_1**power)
    first, second = slots
    first += (1.0 - beta_1) * (gradient - first)
    second += (1.0 - beta_2) * (tf.square(gradient) - second)
    weights -= rate * first / (tf.sqrt(second) + epsilon)
    return weights, (first, second)

  return Optimizer(num_slots=2, step=step)
