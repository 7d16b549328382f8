"""Neurotoxin: training that leaves alone what honest clients change most."""

import dataclasses
from typing import Callable

import tensorflow as tf

from flsec import registry
from flsec.attacks.attack import Attack, AttackContext
from flsec.attacks.hooks import base_training, join_training


@registry.attack('neurotoxin', paper='Zhang et al., ICML 2022')
def neurotoxin(*, attack: Attack, keep_fraction: float = 0.95) -> Attack:
  """Trains an attack only where the last aggregated update was small.

  Each gradient is set to zero at the d - round(keep_fraction * d) coordinates
  with the largest |previous_update|, where honest clients would soon undo a
  change. Ties are broken towards the lowest coordinate. Coordinates at which
  the last update is zero are always kept: in the first round, and after a round
  without a change, nothing is masked.

  Args:
    attack: the attack to be made durable, such as badnets.
    keep_fraction: share of the coordinates that may change, above 0 and at most
      1. The authors' code masks the top 5 %.

  Returns:
    The attack, with the hook `train` in place of those that it covers.

  Raises:
    ValueError: if keep_fraction is outside (0, 1].

  References:
    Zhang et al., "Neurotoxin: durable backdoors in federated learning", ICML
    2022, algorithm 1.
  """
  if not 0 < keep_fraction <= 1:
    raise ValueError(
      'neurotoxin needs 0 < keep_fraction <= 1, the share of coordinates that '
      f'it may change; got {keep_fraction}.'
    )

  def train(run: Callable[..., tf.Tensor], context: AttackContext) -> tf.Tensor:
    # Found once here: a gradient hook would sort d values at every step.
    keep = kept_coordinates(context.previous_update, keep_fraction)

    def gradient(
      values: tf.Tensor, weights: tf.Tensor, context: AttackContext
    ) -> tf.Tensor:
      del weights, context
      return values * keep

    return join_training(base_training(attack), gradient=gradient)(run, context)

  return dataclasses.replace(
    attack, name=f'neurotoxin({attack.name})', train=train
  )


def kept_coordinates(
  previous_update: tf.Tensor, keep_fraction: float
) -> tf.Tensor:
  """Returns float32 [d]: 0 at the largest |previous_update|, 1 elsewhere."""
  size = int(previous_update.shape[0])
  num_masked = size - round(keep_fraction * size)
  if num_masked == 0:
    return tf.ones([size])
  magnitudes, places = tf.math.top_k(tf.abs(previous_update), num_masked)
  return tf.tensor_scatter_nd_update(
    tf.ones([size]), places[:, None], tf.cast(magnitudes == 0, tf.float32)
  )
