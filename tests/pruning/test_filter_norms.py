"""l1 norms of filters."""

import dataclasses

import flap_reference as reference
import numpy as np
import pytest
import tensorflow as tf

from flsec.models.layout import Layer, Span
from flsec.pruning.filter_norms import l1_norms


def test_by_hand():
  kernel = Span(0, (1, 2, 1, 3))
  layer = Layer('conv', 'conv', {'kernel': kernel, 'bias': Span(6, (3,))}, 3)
  weights = tf.constant([1.0, -2.0, 3.0, -4.0, 5.0, 0.0, 9.0, 9.0, 9.0])
  np.testing.assert_array_equal(l1_norms(weights, [layer]), [5.0, 7.0, 3.0])


def test_a_groups_norms_add_up():
  layout = reference.residual()
  weights = tf.constant(reference.random_weights(layout))
  stem, second = layout['stem'], layout['second']
  np.testing.assert_allclose(
    l1_norms(weights, [stem, second]),
    l1_norms(weights, [stem]) + l1_norms(weights, [second]),
  )


def test_layers_of_different_units_are_refused():
  layout = reference.residual()
  stem = dataclasses.replace(layout['stem'], units=3)
  with pytest.raises(ValueError, match=r"'stem' has 3 units.*\(3, 3, 1, 4\)"):
    l1_norms(tf.zeros([layout.size]), [stem])
