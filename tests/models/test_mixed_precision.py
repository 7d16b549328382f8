"""Tests of training in bfloat16 with float32 weights."""

import os

import numpy as np
import pytest
import tensorflow as tf

from flsec.models import mlp, resnet
from flsec.models.flat import FlatModel

# TensorFlow asks the CPU whether it has bfloat16, and oneDNN then for kernels
# that this variable denies: the process ends.
computes = pytest.mark.skipif(
  'ONEDNN_MAX_CPU_ISA' in os.environ,
  reason='bfloat16 needs all of the CPU: unset ONEDNN_MAX_CPU_ISA',
)


def _models(build, **options):
  model = build(num_classes=3, **options)
  return FlatModel(model), FlatModel(model, mixed_precision=True)


@pytest.fixture
def batch():
  rng = np.random.default_rng(0)
  x = tf.constant(rng.uniform(size=(8, 8, 8, 1)), tf.float32)
  return x, tf.constant(np.arange(8) % 3, tf.int32)


@computes
def test_products_are_rounded_and_weights_stay_float32(batch):
  x, y = batch
  full, mixed = _models(mlp.mlp, input_shape=(8, 8, 1), hidden=(16, 8))
  weights = tf.constant(full.initial_weights(0))
  exact, rounded = full.logits(weights, x), mixed.logits(weights, x)
  assert rounded.dtype == tf.float32
  error = float(tf.reduce_max(tf.abs(exact - rounded)))
  assert 1e-6 < error < 0.05  # bfloat16 has 8 bits: it must show, and be small.
  _, gradient = mixed.loss_and_gradient(weights, x, y)
  assert gradient.dtype == tf.float32
  _, wanted = full.loss_and_gradient(weights, x, y)
  cosine = tf.reduce_sum(gradient * wanted) / (
    tf.norm(gradient) * tf.norm(wanted)
  )
  assert float(cosine) > 0.999


def test_hidden_layers_only_compute_in_bfloat16():
  _, mixed = _models(mlp.mlp, input_shape=(8, 8, 1), hidden=(16, 8))
  dtypes = {
    layer.name: layer.compute_dtype
    for layer in mixed._model.layers
    if layer.weights
  }
  assert dtypes == {
    'dense1': 'bfloat16',
    'dense2': 'bfloat16',
    'logits': 'float32',
  }


def test_the_vector_is_the_same_one():
  full, mixed = _models(mlp.mlp, input_shape=(8, 8, 1), hidden=(16, 8))
  assert full.layout == mixed.layout
  np.testing.assert_array_equal(
    full.initial_weights(3), mixed.initial_weights(3)
  )


@computes
def test_a_residual_net_with_normalisation_trains(batch):
  x, y = batch
  full, mixed = _models(resnet.resnet20, input_shape=(8, 8, 1))
  weights = tf.constant(mixed.initial_weights(0))
  start = float(mixed.loss(weights, x, y))
  step = tf.function(mixed.loss_and_gradient, autograph=False)
  for _ in range(5):
    weights -= 0.01 * step(weights, x, y)[1]
  assert float(mixed.loss(weights, x, y)) < start
  assert full.num_weights == mixed.num_weights
