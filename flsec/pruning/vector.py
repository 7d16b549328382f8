"""Reads tensors out of the weight vector, and lays tensors into one."""

from collections.abc import Mapping

import tensorflow as tf

from flsec.models.layout import Layout, Span


def read(weights: tf.Tensor, span: Span) -> tf.Tensor:
  """Returns the tensor of a span, in its own shape, from weights [d]."""
  return tf.reshape(weights[span.start : span.stop], span.shape)


def spread(
  layout: Layout, pieces: Mapping[Span, tf.Tensor], dtype: tf.DType
) -> tf.Tensor:
  """Lays pieces into a vector that is zero (False) everywhere else.

  Args:
    layout: whose vector it is.
    pieces: tensor of each span to fill.
    dtype: of the pieces and of the result.

  Returns:
    dtype [d].
  """
  parts, end = [], 0
  for span in sorted(pieces, key=lambda span: span.start):
    parts.append(tf.zeros([span.start - end], dtype))
    parts.append(tf.reshape(pieces[span], [span.size]))
    end = span.stop
  return tf.concat([*parts, tf.zeros([layout.size - end], dtype)], axis=0)
