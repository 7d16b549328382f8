"""Tensors in and out of the weight vector."""

import numpy as np
import tensorflow as tf

from flsec.models.layout import Layout, Span
from flsec.pruning.vector import read, spread


def test_read_takes_the_span_in_its_shape():
  weights = tf.range(10.0)
  np.testing.assert_array_equal(
    read(weights, Span(3, (2, 2))), [[3, 4], [5, 6]]
  )


def test_spread_fills_gaps_with_zero_in_any_order():
  pieces = {Span(4, (1, 2)): tf.constant([[5, 6]]), Span(1, (2,)): tf.ones(2)}
  pieces = {span: tf.cast(piece, tf.float32) for span, piece in pieces.items()}
  found = spread(Layout((), 8, ''), pieces, tf.float32)
  assert found.numpy().tolist() == [0, 1, 1, 0, 5, 6, 0, 0]


def test_spread_of_nothing():
  found = spread(Layout((), 3, ''), {}, tf.bool)
  assert found.numpy().tolist() == [False] * 3
