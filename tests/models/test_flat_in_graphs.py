"""The flat model beside models that are made in graphs."""

import gc
import weakref

import numpy as np
import tensorflow as tf

from flsec.models.flat import FlatModel
from flsec.models.lenet import lenet5


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


def test_a_graph_that_trains_is_freed():
  """Custom gradients, which LeNet-5's convolutions have, would keep it."""
  flat = FlatModel(lenet5(input_shape=(16, 16, 1), num_classes=3))
  traced = tf.function(flat.loss_and_gradient).get_concrete_function(
    tf.TensorSpec([flat.num_weights]),
    tf.TensorSpec([None, 16, 16, 1]),
    tf.TensorSpec([None], tf.int32),
  )
  graph = weakref.ref(traced.graph)
  assert graph() is not None
  del traced
  gc.collect()
  assert graph() is None
