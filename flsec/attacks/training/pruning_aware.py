"""Pruning-aware training: a backdoor that avoids the pruned channels."""

import dataclasses
from collections.abc import Sequence
from typing import Callable, Optional

import numpy as np
import tensorflow as tf

from flsec import registry
from flsec.attacks.attack import Attack, AttackContext
from flsec.attacks.hooks import base_training, join_training, starting_at
from flsec.models.channel_layer import channel_layer
from flsec.models.layout import Layout


@registry.attack(
  'pruning_aware', paper='Liu et al., RAID 2018; Wu et al., 2020'
)
def pruning_aware(
  *, attack: Attack, channels: Sequence[int], layer: Optional[str] = None
) -> Attack:
  """Trains an attack with the channels switched off that will be pruned.

  The attacker knows the final pruning mask. It trains with the kernel columns
  and biases of those channels at zero, so that the backdoor has to use channels
  that stay, and sends no change for the masked weights. The weights of the
  other channels start from the broadcast ones.

  Args:
    attack: the attack whose training is changed, such as badnets.
    channels: output channels (units) of the layer that will be pruned.
    layer: a conv or dense layer's name; None: the last conv layer.

  Returns:
    The attack, with the hook `train` in place of those that it covers.

  Raises:
    ValueError: if `channels` is empty or holds a negative number or one twice;
      when the round is built, if the model has no such layer or channel.

  References:
    Liu et al., "Fine-pruning", RAID 2018, section 4.2 (pruning-aware attack).
    Wu et al., "Mitigating backdoor attacks in federated learning", 2020,
    section VI-C.
  """
  channels = tuple(channels)
  if not channels or min(channels) < 0 or len(set(channels)) < len(channels):
    raise ValueError(
      'pruning_aware needs `channels`, the numbers of the pruned channels, '
      f'each at least 0 and given once; got {list(channels)}.'
    )

  def train(run: Callable[..., tf.Tensor], context: AttackContext) -> tf.Tensor:
    keep = tf.constant(_kept(context.layout, layer, channels))

    def gradient(
      values: tf.Tensor, weights: tf.Tensor, context: AttackContext
    ) -> tf.Tensor:
      del weights, context
      return values * keep

    masked = dataclasses.replace(context, weights=context.weights * keep)

    training = join_training(base_training(attack), gradient=gradient)
    return keep * training(starting_at(run, masked.weights), masked)

  return dataclasses.replace(
    attack, name=f'pruning_aware({attack.name})', train=train
  )


def _kept(
  layout: Layout, name: Optional[str], channels: Sequence[int]
) -> np.ndarray:
  """Returns float32 [d]: 0 at the weights of the channels, 1 elsewhere."""
  layer = channel_layer('pruning_aware', layout, name)
  if max(channels) >= layer.units:
    raise ValueError(
      f'pruning_aware: layer {layer.name!r} has the channels 0 to '
      f'{layer.units - 1}; got {max(channels)}.'
    )
  keep = np.ones(layout.size, np.float32)
  for span in (layer.kernel, layer.bias):
    if span is not None:
      keep[span.start : span.stop].reshape(span.shape)[..., channels] = 0.0
  return keep
