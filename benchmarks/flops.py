"""Counts the floating-point operations of training on one example."""

import numpy as np
import tensorflow as tf


def training_flops(model: tf.keras.Model) -> int:
  """Returns the operations of one example's forward and backward pass.

  Counted are the products and sums of convolutions and dense layers: once
  forward, once for the kernel's gradient and once for the input's, which the
  first layer does not need. Biases, activations, pooling and normalisation are
  left out, so that the rate made from it is a lower bound.
  """
  layers = [layer for layer in model.layers if _is_counted(layer)]
  products = [_products(layer) for layer in layers]
  return 2 * (3 * sum(products) - products[0])


def _is_counted(layer: tf.keras.layers.Layer) -> bool:
  return isinstance(layer, (tf.keras.layers.Dense, tf.keras.layers.Conv2D))


def _products(layer: tf.keras.layers.Layer) -> int:
  positions = np.prod(layer.output_shape[1:-1], dtype=np.int64)
  return int(positions * np.prod(layer.kernel.shape.as_list(), dtype=np.int64))
