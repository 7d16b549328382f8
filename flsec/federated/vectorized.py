"""Clients side by side in one program, by TensorFlow's vectorised map.

A GPU spends most of a small model's round on starting kernels, so that clients
one after the other take as long as on a CPU. `tf.vectorized_map` turns a
client's work into the work of all, but makes loops of what it has no rule for:
of draws, each from a seed of its own, of sorting, and of the gradients of
convolutions' weights. They are given rules here, for the time of a trace.
"""

import contextlib
import importlib
import threading
from collections.abc import Iterator
from typing import Any, Callable

import tensorflow as tf

from flsec.numerics import philox

# Its package has a function of the same name.
pfor = importlib.import_module('tensorflow.python.ops.parallel_for.pfor')

_PHILOX = 1  # As `tf.random.Algorithm` numbers it.
_TRACE = threading.RLock()  # The table of rules is the process's.


def vectorized(function: Callable[[Any], Any], elements: Any) -> Any:
  """Maps a function over the rows of tensors, as one computation of them all.

  The results are those of a loop up to the order in which floats are added; an
  integer that is drawn is the same, bit for bit.

  Args:
    function: of a nest of tensors, one row of each; traced once.
    elements: nest of tensors [n, ...], n static.

  Returns:
    The nest of its results [n, ...].
  """
  with _rules():
    return tf.vectorized_map(function, elements)


@contextlib.contextmanager
def _rules() -> Iterator[None]:
  table = pfor._pfor_converter_registry
  with _TRACE:
    before = dict(table)
    table.update(_RULES)
    try:
      yield
    finally:
      table.clear()
      table.update(before)


def _key_and_counter(given: Any) -> list[Any]:
  found = philox.key_and_counter(given.stacked_input(0))
  return [pfor.wrap(one, True) for one in found]


def _full_range(given: Any) -> Any:
  shape = given.outputs[0].shape
  algorithm = tf.get_static_value(given.unstacked_input(3))
  if not shape.is_fully_defined() or algorithm != _PHILOX:
    return pfor._fallback_converter(given)
  given.stack_inputs([1, 2])
  dtype = given.get_attr('dtype')
  drawn = philox.full_range(
    given.stacked_input(1),
    given.stacked_input(2),
    shape.num_elements(),
    dtype,
  )
  return pfor.wrap(tf.reshape(drawn, [drawn.shape[0], *shape]), True)


def _largest(given: Any) -> list[Any]:
  found = tf.math.top_k(
    given.stacked_input(0),
    given.unstacked_input(1),
    sorted=given.get_attr('sorted'),
  )
  return [pfor.wrap(one, True) for one in found]


def _filter_gradient(given: Any) -> Any:
  sizes = tf.get_static_value(given.unstacked_input(1))
  is_plain = (
    given.get_attr('data_format') == b'NHWC'
    and given.get_attr('padding') in (b'SAME', b'VALID')
    and list(given.get_attr('dilations')) == [1, 1, 1, 1]
  )
  if sizes is None or not is_plain or not given.input(0).is_stacked:
    return _FILTER_GRADIENT(given)
  given.stack_inputs([2])
  gradient = filter_gradients(
    given.stacked_input(0),
    given.stacked_input(2),
    tuple(map(int, sizes)),
    strides=tuple(given.get_attr('strides')[1:3]),
    is_padded=given.get_attr('padding') == b'SAME',
  )
  return pfor.wrap(gradient, True)


def filter_gradients(
  images: tf.Tensor,
  upstream: tf.Tensor,
  sizes: tuple[int, int, int, int],
  *,
  strides: tuple[int, int],
  is_padded: bool,
) -> tf.Tensor:
  """Returns the gradients of n convolutions' weights, as n matrix products.

  Args:
    images: float32 [n, b, h, w, c], what was convolved.
    upstream: float32 [n, b, h', w', f], the gradient of what came out.
    sizes: of a kernel, (k, l, c / groups, f); c where there are no groups.
    strides: of the convolution, down and across.
    is_padded: 'SAME' padding; else 'VALID'.

  Returns:
    float32 [n, k, l, c, f].

  Raises:
    ValueError: the convolution has groups.
  """
  height, width, channels, filters = sizes
  if images.shape[4] != channels:
    raise ValueError(
      f'Convolutions in groups ({images.shape[4]} channels, kernels of '
      f'{channels}) cannot be computed for several clients at once.'
    )
  n, batch, rows, columns, _ = upstream.shape
  if is_padded:
    margins = [
      _margins(images.shape[axis], out, kernel, stride)
      for axis, out, kernel, stride in zip(
        (2, 3), (rows, columns), (height, width), strides
      )
    ]
    images = tf.pad(images, [[0, 0], [0, 0], *margins, [0, 0]])
  down, across = strides
  # Channels before places, so that a window is copied in long rows.
  images = tf.transpose(images, [0, 4, 1, 2, 3])  # [n, c, b, h, w]
  windows = [
    images[
      ...,
      i : i + (rows - 1) * down + 1 : down,
      j : j + (columns - 1) * across + 1 : across,
    ]
    for i in range(height)
    for j in range(width)
  ]
  places = batch * rows * columns
  patches = tf.stack(windows, axis=1)  # [n, k l, c, b, h', w']
  patches = tf.reshape(patches, [n, height * width * channels, places])
  upstream = tf.reshape(upstream, [n, places, filters])
  return tf.reshape(tf.matmul(patches, upstream), [n, *sizes])


def _margins(size: int, out: int, kernel: int, stride: int) -> list[int]:
  """Returns the zeros that 'SAME' puts before and behind."""
  missing = max((out - 1) * stride + kernel - size, 0)
  return [missing // 2, missing - missing // 2]


_FILTER_GRADIENT = pfor._pfor_converter_registry['Conv2DBackpropFilter']
_RULES = {
  'StatelessRandomGetKeyCounter': _key_and_counter,
  'StatelessRandomUniformFullIntV2': _full_range,
  'TopKV2': _largest,
  'Conv2DBackpropFilter': _filter_gradient,
}
