"""Keras models in float64: what float32 models are compared with."""

import math

import numpy as np
import rounding
import tensorflow as tf

from flsec.models.flat import FlatModel


def twin(keras_model: tf.keras.Model, weights: np.ndarray) -> tf.keras.Model:
  """Returns the model in float64, with the weights of a vector [d]."""
  made = tf.keras.models.clone_model(keras_model, clone_function=_in_float64)
  rest = np.asarray(weights, np.float64)
  for variable in made.weights:
    size = math.prod(variable.shape)
    variable.assign(rest[:size].reshape(variable.shape))
    rest = rest[size:]
  return made


def _in_float64(layer: tf.keras.layers.Layer) -> tf.keras.layers.Layer:
  return type(layer).from_config({**layer.get_config(), 'dtype': 'float64'})


def loss_and_gradient(
  model: tf.keras.Model, x: tf.Tensor, y: tf.Tensor, *, training: bool
) -> tuple[np.ndarray, np.ndarray]:
  """Returns the mean cross-entropy and its gradient, in the vector's order."""
  with tf.GradientTape() as tape:
    logits = model(tf.cast(x, tf.float64), training=training)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits)
    loss = tf.reduce_mean(losses)
  found = tape.gradient(loss, model.trainable_weights)
  gradients = {id(w): g for w, g in zip(model.trainable_weights, found)}
  parts = [gradients.get(id(w), tf.zeros_like(w)) for w in model.weights]
  return loss.numpy(), np.concatenate([np.ravel(part) for part in parts])


def assert_close(
  model: FlatModel, found: np.ndarray, exact: np.ndarray, *, batch: int = 1
) -> None:
  """Fails where numbers of a float32 model are no roundings of the exact ones.

  Every number has gone through sums of each layer, there and, for gradients,
  back, whose terms are of the size of the largest ones.

  Args:
    model: the float32 model.
    found, exact: of one shape.
    batch: how many examples a gradient sums over.
  """
  length = 0
  for layer in model.layout.of_kind('dense', 'conv'):
    length += math.prod(layer.kernel.shape) // min(layer.kernel.shape[-2:])
    length += batch * layer.positions
  largest = np.abs(exact).max()
  rounding.assert_close(found, exact, terms=largest, length=length)
