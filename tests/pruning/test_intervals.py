"""Bounds of the units' outputs."""

import dataclasses
import re

import flap_reference as reference
import numpy as np
import pytest
import tensorflow as tf

from flsec.models.flat import FlatModel
from flsec.models.layout import Layout, Span
from flsec.pruning import intervals


def interval(low, high):
  return intervals.Interval(
    tf.constant(low, tf.float64), tf.constant(high, tf.float64)
  )


def test_worked_example():
  layout, weights = reference.example()
  bounds = intervals.unit_intervals(tf.constant(weights), layout, (0.0, 1.0))
  assert list(bounds) == ['dense_0']
  np.testing.assert_allclose(bounds['dense_0'].low, [0.0, 0.0, 1.0])
  np.testing.assert_allclose(bounds['dense_0'].high, [1.0, 1.1, 3.0])


def test_a_layer_before_the_first_weights_is_refused():
  layout, weights = reference.example()
  layout = dataclasses.replace(layout, preprocessing=('rescaled',))
  with pytest.raises(
    ValueError, match=r"'rescaled' changes the inputs.*saliency"
  ):
    intervals.unit_intervals(tf.constant(weights), layout, (0.0, 1.0))


def test_a_negative_weight_swaps_the_ends():
  found = intervals.affine(
    interval([-1.0, 2.0], [3.0, 5.0]),
    tf.constant([[2.0], [-1.0]], tf.float64),
    tf.constant([0.5], tf.float64),
  )
  np.testing.assert_allclose(found, [[-6.5], [4.5]])


@pytest.mark.parametrize('input_range', [(0.0, 1.0), (-1.0, 1.0)])
def test_perceptron_matches_the_reference(input_range):
  layout = reference.perceptron([6, 8, 5, 3])
  weights = reference.random_weights(layout)
  bounds = intervals.unit_intervals(tf.constant(weights), layout, input_range)
  expected = reference.unit_bounds(weights, layout, input_range)
  for name, pairs in expected.items():
    np.testing.assert_allclose(np.transpose(bounds[name]), pairs, atol=1e-12)


class TestActivate:
  @pytest.mark.parametrize(
    ('activation', 'expected'),
    [
      ('linear', (-2.0, 3.0)),
      ('relu', (0.0, 3.0)),
      ('sigmoid', (1 / (1 + np.exp(2)), 1 / (1 + np.exp(-3)))),
      ('tanh', (np.tanh(-2), np.tanh(3))),
      ('softmax', (0.0, 1.0)),
      # The minimum lies inside the interval.
      ('swish', (-0.27846454, 3 / (1 + np.exp(-3)))),
    ],
  )
  def test_values(self, activation, expected):
    found = intervals.activate(interval([-2.0], [3.0]), activation)
    np.testing.assert_allclose(np.ravel(found), expected, rtol=1e-7)

  @pytest.mark.parametrize('ends', [(-3.0, 2.0), (-4.0, -2.0), (0.5, 7.0)])
  @pytest.mark.parametrize(
    'activation', [*intervals.MONOTONE, 'gelu', 'swish', 'silu']
  )
  def test_bounds_hold_and_are_reached(self, activation, ends):
    low, high = intervals.activate(interval([ends[0]], [ends[1]]), activation)
    x = tf.constant(np.linspace(*ends, 20001))
    y = (
      tf.nn.relu6
      if activation == 'relu6'
      else tf.keras.activations.get(activation)
    )(x).numpy()
    np.testing.assert_allclose([y.min()], low, atol=1e-7)
    np.testing.assert_allclose([y.max()], high, atol=1e-7)

  def test_unknown(self):
    with pytest.raises(ValueError, match=r"'maxout' are not known.*saliency"):
      intervals.activate(interval([0.0], [1.0]), 'maxout')


def watched(model, weights, names):
  """Returns a function from inputs to each named layer's output."""
  for layer in model.layers:
    spans = layout_of(model)
    if layer.weights:
      own = spans[layer.name].spans.values()
      layer.set_weights([reference.part(weights, span) for span in own])
  return tf.keras.Model(
    model.input, [model.get_layer(name).output for name in names]
  )


def layout_of(model) -> Layout:
  return FlatModel(model).layout


@pytest.mark.parametrize('padding', ['same', 'valid'])
@pytest.mark.parametrize('normalised', [False, True])
def test_bounds_hold_through_a_convolutional_model(padding, normalised):
  layers = tf.keras.layers
  inputs = layers.Input((7, 7, 2))
  x = layers.Conv2D(4, 3, padding=padding, name='conv')(inputs)
  if normalised:
    x = layers.BatchNormalization(name='norm')(x)
  x = layers.ReLU(name='conv_out')(x)
  x = layers.AveragePooling2D(2, padding=padding)(x)
  x = layers.Conv2D(3, 2, activation='tanh', name='tanh')(x)
  x = layers.Dense(6, activation='relu', name='hidden')(layers.Flatten()(x))
  model = tf.keras.Model(inputs, layers.Dense(2)(x))
  layout = layout_of(model)
  weights = reference.random_weights(layout, scale=0.4)
  if normalised:
    span = layout['norm'].spans['moving_variance']
    weights[span.start : span.stop] = np.abs(weights[span.start : span.stop])
  bounds = intervals.unit_intervals(tf.constant(weights), layout, (-1.0, 1.0))
  generator = np.random.default_rng(0)
  x = generator.choice([-1.0, 1.0], size=[500, 7, 7, 2])
  outputs = watched(model, weights, ['conv_out', 'tanh', 'hidden'])(x)
  for name, output in zip(['conv', 'tanh', 'hidden'], outputs):
    axes = tuple(range(output.ndim - 1))
    assert np.all(output.numpy().min(axes) >= bounds[name].low - 1e-5)
    assert np.all(output.numpy().max(axes) <= bounds[name].high + 1e-5)


def test_bounds_hold_through_a_residual_block():
  layers = tf.keras.layers
  inputs = layers.Input((5, 5, 1))
  stem = layers.Conv2D(4, 3, padding='same', activation='relu')(inputs)
  x = layers.Conv2D(4, 3, padding='same', activation='relu')(stem)
  x = layers.Add()([stem, layers.Conv2D(4, 3, padding='same')(x)])
  x = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
  x = layers.Dense(6, activation='relu', name='hidden')(x)
  model = tf.keras.Model(inputs, layers.Dense(2)(x))
  layout = layout_of(model)
  weights = reference.random_weights(layout)
  bounds = intervals.unit_intervals(tf.constant(weights), layout, (0.0, 1.0))
  x = np.random.default_rng(0).uniform(size=[500, 5, 5, 1])
  output = watched(model, weights, ['hidden'])(x).numpy()
  assert np.all(output.min(0) >= bounds['hidden'].low - 1e-5)
  assert np.all(output.max(0) <= bounds['hidden'].high + 1e-5)


def test_group_normalisation_is_bounded_by_standard_scores():
  layout = reference.convolutional()
  weights = reference.random_weights(layout)
  spans = layout['norm_0'].spans
  gamma, beta = (reference.part(weights, spans[k]) for k in ('gamma', 'beta'))
  bounds = intervals.unit_intervals(tf.constant(weights), layout, (0.0, 1.0))
  np.testing.assert_allclose(
    bounds['conv_0'].high, np.maximum(3 * np.abs(gamma) + beta, 0)
  )


@pytest.mark.parametrize(
  ('consumer', 'units'), [('dense_2', [5, 3]), ('dense_1', [4])]
)
def test_sources_that_do_not_fit_are_refused(consumer, units):
  layout = reference.perceptron([4, 5, 3, 2, 2])
  wrong = dataclasses.replace(
    layout.layers[0],
    consumers=(consumer,),
    units=units[0],
    spans={'kernel': Span(0, (4, units[0])), 'bias': Span(0, (units[0],))},
  )
  layout = dataclasses.replace(layout, layers=(wrong, *layout.layers[1:]))
  with pytest.raises(ValueError, match=f'layers with {re.escape(str(units))}'):
    intervals.unit_intervals(tf.zeros([layout.size]), layout, (0.0, 1.0))
