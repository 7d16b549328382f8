"""Self-pruning: an attack that gives up its own extreme weights."""

import dataclasses
from typing import Optional

import tensorflow as tf

from flsec import registry
from flsec.attacks.attack import Attack, AttackContext
from flsec.attacks.hooks import chain_projection, chain_update, join_training
from flsec.models.channel_layer import channel_layer
from flsec.numerics import extreme_values


@registry.attack('self_pruning', paper='Wu et al., 2020')
def self_pruning(
  *,
  attack: Attack,
  num_deviations: float = 3.0,
  layer: Optional[str] = None,
  every_step: bool = True,
) -> Attack:
  """Zeroes a malicious client's own extreme weights while it trains.

  In one layer's kernel, every weight outside [mu - D sigma, mu + D sigma] is
  set to zero, D = num_deviations, mu and sigma (population) over the weights
  that the server has not removed: the numbers that the defence itself uses
  (`flsec.numerics.extreme_values`). So a server that later prunes extreme
  weights finds none that the backdoor needs.

  Args:
    attack: the attack whose training is changed, such as badnets; its own
      `update`, a scaling for example, comes after the pruning.
    num_deviations: D, above 0. Wu et al. fix 3.
    layer: a conv or dense layer's name; None: the last conv layer.
    every_step: after every step of the optimiser ("during the training
      process") and before sending; False: only before sending.

  Returns:
    The attack, with the hooks of `attack`, `update` and maybe `project`.

  Raises:
    ValueError: if num_deviations is not above 0; when the round is built, if
      the model has no such layer.

  References:
    Wu et al., "Mitigating backdoor attacks in federated learning", 2020,
    section VI-C (possible attacks on the pruning of extreme weights).
  """
  if not num_deviations > 0:
    raise ValueError(
      f'self_pruning needs num_deviations > 0; got {num_deviations}.'
    )

  def project(weights: tf.Tensor, context: AttackContext) -> tf.Tensor:
    span = channel_layer('self_pruning', context.layout, layer).kernel
    kernel = weights[span.start : span.stop]
    is_present = tf.ones_like(kernel, tf.bool)
    if context.removed is not None:
      is_present = ~context.removed[span.start : span.stop]
    kernel = tf.where(
      extreme_values.are_extreme(kernel, is_present, num_deviations),
      tf.zeros_like(kernel),
      kernel,
    )
    return tf.concat(
      [weights[: span.start], kernel, weights[span.stop :]], axis=0
    )

  def update(values: tf.Tensor, context: AttackContext) -> tf.Tensor:
    return project(context.weights + values, context) - context.weights

  step = project if every_step else None
  return dataclasses.replace(
    attack,
    name=f'self_pruning({attack.name})',
    project=chain_projection([attack.project, step]),
    update=chain_update([update, attack.update]),
    train=attack.train and join_training(attack.train, project=step),
  )
