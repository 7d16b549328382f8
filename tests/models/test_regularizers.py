"""What a Keras layer's regularisers say counts in the loss."""

import numpy as np
import pytest
import small_models
import tensorflow as tf

from flsec.models.flat import FlatModel

layers = tf.keras.layers
regularizers = tf.keras.regularizers


def build(kernel=None, bias=None, gamma=None):
  x = inputs = tf.keras.Input((5,))
  x = layers.Dense(
    4,
    activation='tanh',
    kernel_regularizer=kernel,
    bias_regularizer=bias,
    name='hidden',
  )(x)
  x = layers.GroupNormalization(2, gamma_regularizer=gamma, name='norm')(x)
  return FlatModel(tf.keras.Model(inputs, layers.Dense(3, name='logits')(x)))


def case(model):
  weights = small_models.random_weights(model.num_weights)
  return tf.constant(weights), *small_models.batch(model)


@pytest.mark.parametrize(
  ('options', 'penalty', 'slope'),
  [
    (
      {'kernel': regularizers.L2(0.5)},
      lambda p: 0.5 * np.square(p['hidden', 'kernel']).sum(),
      {('hidden', 'kernel'): lambda w: w},
    ),
    (
      {'kernel': regularizers.L1(0.25), 'bias': 'l2'},
      lambda p: (
        0.25 * np.abs(p['hidden', 'kernel']).sum()
        + 0.01 * np.square(p['hidden', 'bias']).sum()
      ),
      {
        ('hidden', 'kernel'): lambda w: 0.25 * np.sign(w),
        ('hidden', 'bias'): lambda w: 0.02 * w,
      },
    ),
    (
      {'gamma': lambda w: tf.reduce_sum(w**3)},
      lambda p: (p['norm', 'gamma'] ** 3).sum(),
      {('norm', 'gamma'): lambda w: 3 * w**2},
    ),
  ],
)
def test_penalty_and_slope(options, penalty, slope):
  model, plain = build(**options), build()
  weights, x, y = case(model)
  parts = {
    (layer.name, name): np.asarray(weights[span.start : span.stop], np.float64)
    for layer in model.layout.layers
    for name, span in layer.spans.items()
  }
  for function in (model.loss, lambda *a: model.loss_and_gradient(*a)[0]):
    np.testing.assert_allclose(
      function(weights, x, y) - plain.loss(weights, x, y),
      penalty(parts),
      rtol=1e-4,
    )
  wanted = plain.loss_and_gradient(weights, x, y)[1].numpy()
  for (layer, name), derivative in slope.items():
    span = model.layout[layer].spans[name]
    wanted[span.start : span.stop] += derivative(parts[layer, name])
  np.testing.assert_allclose(
    model.loss_and_gradient(weights, x, y)[1], wanted, rtol=1e-4, atol=1e-5
  )


def test_examples_that_pad_do_not_count_and_a_batch_of_them_is_0():
  model = build(kernel=regularizers.L2(0.5))
  weights, x, y = case(model)
  mask = tf.constant([1.0] * 5 + [0.0] * 2)
  np.testing.assert_allclose(
    model.loss(weights, x, y, mask=mask),
    model.loss(weights, x[:5], y[:5]),
    rtol=1e-5,
  )
  loss, gradient = model.loss_and_gradient(weights, x, y, mask=tf.zeros([7]))
  assert float(loss) == 0.0
  np.testing.assert_array_equal(gradient, np.zeros(model.num_weights))


def test_a_frozen_weight_counts_as_in_keras():
  x = inputs = tf.keras.Input((5,))
  hidden = layers.Dense(4, kernel_regularizer=regularizers.L2(2.0))
  hidden.trainable = False
  keras_model = tf.keras.Model(inputs, layers.Dense(3)(hidden(x)))
  model = FlatModel(keras_model)
  weights, x, y = case(model)
  logits = tf.cast(model.logits(weights, x), tf.float64)
  entropy = tf.reduce_mean(
    tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits)
  )
  kernel = np.asarray(hidden.kernel, np.float64)
  np.testing.assert_allclose(
    model.loss(weights, x, y),
    float(entropy) + 2.0 * np.square(kernel).sum(),
    rtol=1e-5,
  )
