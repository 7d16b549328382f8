"""Logits of a batch that is normalised by its own mean and variance."""

import tensorflow as tf

from flsec.models.flat import FlatModel
from flsec.models.functional_layers import Trace


def logits(model: FlatModel, weights: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
  """Runs a model with batch normalisation as in training, and nothing else so.

  Random layers do not draw. Where a layer is frozen, its moving statistics
  normalise all the same.

  Args:
    model: the flat model.
    weights: float32 [d].
    x: [b, ...] float32 model inputs; an example's logits depend on the others.

  Returns:
    float32 [b, num_classes].
  """
  with model.placed(weights, Trace(reads_batch=True)) as keras_model:
    return tf.cast(keras_model(x, training=False), tf.float32)
