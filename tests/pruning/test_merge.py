"""How a kept unit takes over."""

import flap_reference as reference
import numpy as np
import pytest
import tensorflow as tf

from flsec.pruning.merge import merge_change


def change(removed, partners, merge, unheard=()):
  layout = reference.perceptron([2, 4, 3])
  weights = np.arange(layout.size, dtype=np.float32)
  for unit in unheard:
    start = layout['dense_1'].kernel.start + 3 * unit
    weights[start : start + 3] = 0.0
  pair = (layout['dense_0'], tf.constant(removed), tf.constant(partners))
  found = merge_change(tf.constant(weights), layout, [pair], merge).numpy()
  kernel = layout['dense_1'].kernel
  outside = np.delete(found, np.s_[kernel.start : kernel.stop])
  assert not outside.any()
  return reference.part(found, kernel), reference.part(weights, kernel)


def test_sum_adds_the_removed_rows():
  found, kernel = change([3, 0], [1, 2], 'sum')
  expected = np.zeros([4, 3])
  expected[1], expected[2] = kernel[3], kernel[0]
  np.testing.assert_array_equal(found, expected)


def test_double_adds_the_partners_rows():
  found, kernel = change([3, 0], [1, 2], 'double')
  expected = np.zeros([4, 3])
  expected[1], expected[2] = kernel[1], kernel[2]
  np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize('merge', ['sum', 'double'])
def test_units_that_nobody_hears_leave_nothing_to_take_over(merge):
  found, _ = change([3, 0], [1, 2], merge, unheard=[3])
  assert found[2].all()
  assert not np.delete(found, 2, axis=0).any()


@pytest.mark.parametrize('merge', ['sum', 'double'])
def test_places_without_a_pair_change_nothing(merge):
  found, kernel = change([3, -1, -1], [2, -1, -1], merge)
  assert found[2].any()
  assert not np.delete(found, 2, axis=0).any()
  assert kernel.all()
