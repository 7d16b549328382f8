"""Which entries of the weight vector a mask may choose, and must hold."""

import math

import numpy as np
import tensorflow as tf

from flsec.models import layout as layout_lib

# What batch normalisation tracks is not trained, so no mask chooses it.
_TRACKED = ('moving_mean', 'moving_variance')


def trained_spans(layout: layout_lib.Layout) -> tuple[layout_lib.Span, ...]:
  """Returns every trained tensor, in the order of the weight vector."""
  return tuple(
    span
    for layer in layout.layers
    for attribute, span in layer.spans.items()
    if attribute not in _TRACKED
  )


def kernel_spans(layout: layout_lib.Layout) -> tuple[layout_lib.Span, ...]:
  """Returns the dense and convolution kernels, in the same order."""
  return tuple(layer.kernel for layer in layout.of_kind('dense', 'conv'))


def critical_spans(layout: layout_lib.Layout) -> tuple[layout_lib.Span, ...]:
  """Returns the critical tensors: biases, and normalisation scale and shift."""
  kernels = {span.start for span in kernel_spans(layout)}
  return tuple(
    span for span in trained_spans(layout) if span.start not in kernels
  )


def positions(spans: tuple[layout_lib.Span, ...]) -> np.ndarray:
  """Returns the entries of some spans, int32, in the order of the spans."""
  ranges = [np.arange(s.start, s.stop, dtype=np.int32) for s in spans]
  return np.concatenate([np.zeros(0, np.int32), *ranges])


def with_critical(mask: tf.Tensor, layout: layout_lib.Layout) -> tf.Tensor:
  """Returns the mask, bool [d], with the critical tensors set."""
  critical = np.zeros(layout.size, bool)
  critical[positions(critical_spans(layout))] = True
  return mask | tf.constant(critical)


def at(entries: tf.Tensor, size: int) -> tf.Tensor:
  """Returns bool [size], true at the given entries, int32 [k]."""
  marks = tf.ones_like(entries)
  return tf.scatter_nd(entries[:, None], marks, [size]) > 0


def kept(fraction: float, size: int) -> int:
  """Returns floor(fraction * size), forgiving the product's rounding.

  0.29 * 100 is 28.999999999999996 in floating point, and means 29.
  """
  return math.floor(fraction * size + 1e-9)
