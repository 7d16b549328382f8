"""Normalisation seen as part of the layer before it."""

import flap_reference as reference
import numpy as np
import pytest
import tensorflow as tf

from flsec.models.flat import FlatModel
from flsec.pruning import criteria, folding, intervals


def normalised(kind):
  """A dense layer with normalisation behind it, and random weights."""
  layers = tf.keras.layers
  inputs = layers.Input((5,))
  x = layers.Dense(4, name='hidden')(inputs)
  x = layers.ReLU()(kind(name='norm')(x))
  keras_model = tf.keras.Model(inputs, layers.Dense(3, name='output')(x))
  model = FlatModel(keras_model)
  weights = reference.random_weights(model.layout)
  for span in model.layout['norm'].spans.values():
    weights[span.start : span.stop] = np.abs(weights[span.start : span.stop])
  return model, weights


def test_batch_normalisation_is_folded_exactly():
  model, weights = normalised(tf.keras.layers.BatchNormalization)
  kernel, bias = folding.folded(weights, model.layout, model.layout['hidden'])
  x = np.random.default_rng(0).normal(size=[9, 5]).astype(np.float32)
  output = model.layout['output']
  expected = np.maximum(x @ kernel.numpy() + bias.numpy(), 0) @ reference.part(
    weights, output.kernel
  ) + reference.part(weights, output.bias)
  found = model.logits(tf.constant(weights), tf.constant(x))
  np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
  ('kind', 'standardises'),
  [
    (tf.keras.layers.BatchNormalization, False),
    (tf.keras.layers.LayerNormalization, True),
  ],
)
def test_only_moving_statistics_are_known(kind, standardises):
  model, weights = normalised(kind)
  norm = folding.normalisation(weights, model.layout, model.layout['hidden'])
  assert norm.standardises is standardises
  if standardises:
    spans = model.layout['norm'].spans
    np.testing.assert_allclose(
      norm.scale, reference.part(weights, spans['gamma'])
    )
    np.testing.assert_allclose(
      norm.offset, reference.part(weights, spans['beta'])
    )


def test_a_layer_without_norm_or_bias_stays():
  layout = reference.residual()
  weights = reference.random_weights(layout)
  kernel, bias = folding.folded(weights, layout, layout['inner'])
  np.testing.assert_array_equal(
    kernel, reference.part(weights, layout['inner'].kernel)
  )
  np.testing.assert_array_equal(bias, np.zeros(4))


def test_the_consumers_norm_scales_the_impact():
  layers = tf.keras.layers
  inputs = layers.Input((5,))
  x = layers.Dense(4, activation='relu', name='hidden')(inputs)
  x = layers.Dense(4, name='consumer')(x)
  x = layers.ReLU()(layers.GroupNormalization(1, name='norm')(x))
  model = FlatModel(tf.keras.Model(inputs, layers.Dense(3)(x)))
  weights = reference.random_weights(model.layout)
  gamma = model.layout['norm'].spans['gamma']
  doubled = weights.copy()
  doubled[gamma.start : gamma.stop] *= 2.0
  norms = []
  for vector in (weights, doubled):
    bounds = intervals.unit_intervals(vector, model.layout, (0.0, 1.0))
    _, norm = criteria.pair_scores(
      criteria.Criterion('impact'),
      vector,
      model.layout,
      model.layout['hidden'],
      bounds,
    )
    norms.append(norm.numpy())
  np.testing.assert_allclose(norms[1], 2.0 * norms[0])
