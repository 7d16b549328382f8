"""The flat model beside models that are made in graphs."""

import numpy as np
import tensorflow as tf

from flsec.models.flat import FlatModel


def test_keras_layers_made_in_a_bare_graph_do_no_harm():
  """TFF makes its models there, and Keras then changes whole classes."""
  build = lambda: tf.keras.Sequential(
    [tf.keras.layers.Dense(2, input_shape=(3,), name='logits')]
  )
  flat = FlatModel(build())
  weights, x = tf.range(8.0), tf.ones([1, 3])
  wanted = flat.logits(weights, x)
  with tf.Graph().as_default():
    build()
  np.testing.assert_array_equal(flat.logits(weights, x), wanted)
