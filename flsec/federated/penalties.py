"""What clients add to their loss besides the cross-entropy."""

from typing import Callable, Optional

import tensorflow as tf

from flsec.config import schema
from flsec.models.channel_layer import channel_layer
from flsec.models.layout import Layout

# (weights [d], loss, gradient [d]) -> (loss, gradient), the penalty added.
Penalty = Callable[
  [tf.Tensor, tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]
]


def build_penalty(
  layout: Layout, clients: schema.ClientsConfig
) -> Optional[Penalty]:
  """Builds `clients.last_conv_l2 * ||W||^2`, W the last conv layer's kernel.

  Biases take no part. None where the factor is 0.

  Raises:
    ValueError: the model has no conv layer.

  References:
    Wu et al., "Mitigating backdoor attacks in federated learning", 2020,
    section VI-A.
  """
  factor = clients.last_conv_l2
  if not factor:
    return None
  span = channel_layer('clients.last_conv_l2', layout, None).kernel

  def add(
    weights: tf.Tensor, loss: tf.Tensor, gradient: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor]:
    kernel = weights[span.start : span.stop]
    own = gradient[span.start : span.stop] + 2.0 * factor * kernel
    gradient = tf.concat(
      [gradient[: span.start], own, gradient[span.stop :]], axis=0
    )
    return loss + factor * tf.reduce_sum(kernel * kernel), gradient

  return add
