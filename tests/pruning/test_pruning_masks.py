"""Which entries of the vector make up a unit."""

import dataclasses

import flap_reference as reference
import numpy as np
import tensorflow as tf

from flsec.models.layout import Layout, Span
from flsec.pruning import masks


def bools(*values):
  return tf.constant(values, tf.bool)


def test_apply_mask_zeroes_even_what_is_not_finite():
  weights = tf.constant([1.0, np.nan, np.inf, -2.0])
  found = masks.apply_mask(weights, bools(False, True, True, False))
  np.testing.assert_array_equal(found, [1.0, 0.0, 0.0, -2.0])


def test_unit_mask_of_a_filter():
  layout = reference.convolutional()
  mask = masks.unit_mask(
    layout, {'conv_0': bools(False, True, False, False)}, {}
  )
  expected = np.zeros(layout.size, bool)
  conv, norm = layout['conv_0'], layout['norm_0']
  expected[conv.kernel.start + 1 : conv.kernel.stop : 4] = True
  expected[conv.bias.start + 1] = True
  expected[norm.spans['gamma'].start + 1] = True
  expected[norm.spans['beta'].start + 1] = True
  np.testing.assert_array_equal(mask, expected)


def test_columns_of_a_layer_and_rows_of_the_one_before_join():
  layout = reference.perceptron([2, 2, 2, 2])
  first, second = bools(True, False), bools(False, True)
  mask = masks.unit_mask(
    layout,
    {'dense_0': first, 'dense_1': second},
    {'dense_0': first, 'dense_1': second},
  )
  found = reference.part(mask, layout['dense_1'].kernel)
  np.testing.assert_array_equal(found, [[1, 1], [0, 1]])


def test_a_norm_without_gamma_loses_its_moving_mean():
  layout = reference.convolutional()
  norm = layout['norm_0']
  spans = {'beta': Span(0, (4,)), 'moving_mean': Span(4, (4,))}
  changed = dataclasses.replace(norm, spans=spans)
  layers = tuple(changed if x is norm else x for x in layout.layers)
  layout = Layout(layers, layout.size, layout.output)
  found = masks.own_spans(layout, layout['conv_0'])
  assert found[-2:] == [spans['beta'], spans['moving_mean']]


class TestIsAlive:
  def alive(self, change, **options):
    layout = reference.perceptron([3, 4, 2])
    weights = np.ones(layout.size, np.float32)
    for span, index in change(layout):
      view = weights[span.start : span.stop].reshape(span.shape)
      view[index] = 0.0
    layer = layout['dense_0']
    found = masks.is_alive(tf.constant(weights), layout, layer, **options)
    return found.numpy().tolist()

  def test_a_unit_dies_with_its_column_and_bias(self):
    column = lambda layout: (layout['dense_0'].kernel, np.s_[:, 1])
    bias = lambda layout: (layout['dense_0'].bias, 1)
    dead = [True, False, True, True]
    both = lambda layout: [column(layout), bias(layout)]
    assert self.alive(both, outgoing=True) == dead
    assert self.alive(both, outgoing=False) == dead
    assert all(self.alive(lambda layout: [column(layout)], outgoing=True))
    assert all(self.alive(lambda layout: [bias(layout)], outgoing=True))

  def test_a_unit_dies_with_its_row_where_that_counts(self):
    row = lambda layout: [(layout['dense_1'].kernel, np.s_[2])]
    assert self.alive(row, outgoing=True) == [True, True, False, True]
    assert all(self.alive(row, outgoing=False))
