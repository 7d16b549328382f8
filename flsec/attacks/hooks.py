"""Hooks of several attacks, run one behind the other."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any, Callable, Optional

import tensorflow as tf

from flsec.attacks.attack import (
  Attack,
  AttackContext,
  GradientHook,
  Poison,
  Projection,
  Training,
  UpdateHook,
)


def chain_poison(hooks: Sequence[Optional[Poison]]) -> Optional[Poison]:
  """Returns one poison that runs the given ones in order; None without any.

  The first draws from the batch's seed, each later one from a seed of its own.
  """
  hooks = [hook for hook in hooks if hook]
  if len(hooks) < 2:
    return hooks[0] if hooks else None

  def poison(
    x: tf.Tensor, y: tf.Tensor, context: AttackContext
  ) -> tuple[tf.Tensor, tf.Tensor]:
    x, y = hooks[0](x, y, context)
    for place, hook in enumerate(hooks[1:], start=1):
      seed = tf.random.experimental.stateless_fold_in(context.seed, place)
      x, y = hook(x, y, dataclasses.replace(context, seed=seed))
    return x, y

  return poison


def chain_gradient(
  hooks: Sequence[Optional[GradientHook]],
) -> Optional[GradientHook]:
  """Returns one gradient hook that runs the given ones; None without any."""
  hooks = [hook for hook in hooks if hook]

  def gradient(
    values: tf.Tensor, weights: tf.Tensor, context: AttackContext
  ) -> tf.Tensor:
    for hook in hooks:
      values = hook(values, weights, context)
    return values

  return gradient if hooks else None


def chain_projection(
  hooks: Sequence[Optional[Projection]],
) -> Optional[Projection]:
  """Returns one projection that runs the given ones; None without any."""
  hooks = [hook for hook in hooks if hook]

  def project(weights: tf.Tensor, context: AttackContext) -> tf.Tensor:
    for hook in hooks:
      weights = hook(weights, context)
    return weights

  return project if hooks else None


def chain_update(hooks: Sequence[Optional[UpdateHook]]) -> Optional[UpdateHook]:
  """Returns one update hook that runs the given ones; None without any."""
  return chain_projection(hooks)


def join_training(
  train: Training,
  *,
  poison: Optional[Poison] = None,
  gradient: Optional[GradientHook] = None,
  project: Optional[Projection] = None,
) -> Training:
  """Adds hooks to every local training that `train` runs, behind its own."""
  if not (poison or gradient or project):
    return train
  outer = (poison, gradient, project)

  def joined(
    run: Callable[..., tf.Tensor], context: AttackContext
  ) -> tf.Tensor:
    def run_joined(
      poison: Optional[Poison] = None,
      gradient: Optional[GradientHook] = None,
      project: Optional[Projection] = None,
      **where: Any,
    ) -> tf.Tensor:
      return run(
        poison=chain_poison([poison, outer[0]]),
        gradient=chain_gradient([gradient, outer[1]]),
        project=chain_projection([project, outer[2]]),
        **where,
      )

    return train(run_joined, context)

  return joined


def base_training(attack: Attack) -> Training:
  """Returns how a client of `attack` trains: its `train`, or its hooks."""
  if attack.train:
    return attack.train

  def train(run: Callable[..., tf.Tensor], context: AttackContext) -> tf.Tensor:
    del context
    return run(
      poison=attack.poison, gradient=attack.gradient, project=attack.project
    )

  return train


def starting_at(
  run: Callable[..., tf.Tensor], weights: tf.Tensor
) -> Callable[..., tf.Tensor]:
  """Returns `run` with local trainings that start at `weights` by default."""

  def run_from(start: Optional[tf.Tensor] = None, **rest: Any) -> tf.Tensor:
    return run(start=weights if start is None else start, **rest)

  return run_from


def honest_first(
  run: Callable[..., tf.Tensor], weights: tf.Tensor
) -> tuple[tf.Tensor, Callable[..., tf.Tensor]]:
  """Trains honestly, and lets further local trainings go on from there.

  Args:
    run: one local training.
    weights: float32 [d], where the honest one starts.

  Returns:
    The honest update, float32 [d]; and `run` that by default starts where the
    last training ended, in its weights and in its optimiser's moments.
  """
  honest = run()
  return honest, functools.partial(
    starting_at(run, weights + honest), goes_on=True
  )
