"""Convolution and pooling as products: the numbers of TensorFlow's kernels.

In float64, or in float32 on whole numbers, whose sums are exact: what a kernel
rounds depends on the CPU. `test_pooled_conv` bounds what float32 may round.
"""

import numpy as np
import pytest
import tensorflow as tf

from flsec.models import pooled_patches

_CASES = {
  # name: height, width, channels, kernel, filters, padding
  'conv1 of LeNet-5': (28, 28, 1, (5, 5), 6, 'VALID'),
  'conv2 of LeNet-5': (12, 12, 6, (5, 5), 16, 'VALID'),
  'padded': (8, 8, 2, (5, 5), 3, 'SAME'),
  'odd outputs': (9, 8, 2, (3, 3), 3, 'VALID'),
  'odd and padded': (7, 9, 3, (3, 3), 2, 'SAME'),
  'not square': (9, 7, 2, (4, 3), 3, 'VALID'),
  'even kernel, padded': (8, 6, 1, (4, 2), 3, 'SAME'),
  'one output': (4, 4, 1, (3, 3), 1, 'VALID'),
}


# Sums of 150 products of a size of 1: 10^4 times what float64 rounds.
_CLOSE = {'rtol': 1e-10, 'atol': 1e-10}


def _data(case, batch=3):
  height, width, channels, kernel, filters, _ = _CASES[case]
  rng = np.random.default_rng(0)
  images = rng.normal(size=(batch, height, width, channels))
  weights = rng.normal(size=(*kernel, channels, filters))
  return tf.constant(images), tf.constant(weights)


def _geometry(case, channels_first=False):
  height, width, channels, kernel, _, padding = _CASES[case]
  return pooled_patches.build_geometry(
    (height, width, channels),
    kernel,
    is_padded=padding == 'SAME',
    channels_first=channels_first,
  )


def _by_patches(images, kernel, geometry, convolve=pooled_patches.convolve):
  """Returns images [b, height, width, filters]."""
  outputs = convolve(
    tf.transpose(tf.reshape(images, [images.shape[0], -1])), kernel, geometry
  )
  shape = [kernel.shape[-1], geometry.height, geometry.width, -1]
  return tf.transpose(tf.reshape(outputs, shape), [3, 1, 2, 0])


def _by_kernels(case):
  def call(images, kernel):
    outputs = tf.nn.conv2d(images, kernel, 1, _CASES[case][-1])
    return tf.nn.max_pool2d(outputs, 2, 2, 'VALID')

  return call


def _with_gradients(function, *arguments):
  with tf.GradientTape() as tape:
    tape.watch(arguments)
    outputs = function(*arguments)
  # Another gradient at each output: 1, 2, 3, -3, -2, ...
  upstream = (tf.range(tf.size(outputs)) + 4) % 7 - 3
  upstream = tf.cast(tf.reshape(upstream, outputs.shape), outputs.dtype)
  return outputs, *tape.gradient(outputs, arguments, upstream)


@pytest.mark.parametrize('case', _CASES)
@pytest.mark.parametrize(
  'convolve', [pooled_patches.convolve, pooled_patches.convolve_plainly]
)
def test_numbers_and_gradients_are_those_of_the_kernels(case, convolve):
  geometry = _geometry(case)
  found = _with_gradients(
    lambda images, kernel: _by_patches(images, kernel, geometry, convolve),
    *_data(case),
  )
  wanted = _with_gradients(_by_kernels(case), *_data(case))
  for one, other in zip(found, wanted):
    np.testing.assert_allclose(one, other, **_CLOSE)


def test_by_hand():
  """A 2x2 kernel on one 3x3 image: one window of four outputs."""
  image = tf.constant([[1.0, 2, 3], [4, 5, 6], [7, 8, 0]])
  kernel = tf.constant([[1.0, 0], [0, -1]])
  geometry = pooled_patches.build_geometry(
    (3, 3, 1), (2, 2), is_padded=False, channels_first=False
  )
  # Outputs: 1 - 5, 2 - 6, 4 - 8, 5 - 0; the last one is the largest.
  outputs, to_image, to_kernel = _with_gradients(
    lambda images, kernel: _by_patches(images, kernel, geometry),
    tf.reshape(image, [1, 3, 3, 1]),
    tf.reshape(kernel, [2, 2, 1, 1]),
  )
  assert outputs.numpy().ravel().tolist() == [5]
  assert to_image.numpy().ravel().tolist() == [0, 0, 0, 0, 1, 0, 0, 0, -1]
  assert to_kernel.numpy().ravel().tolist() == [5, 6, 8, 0]


def test_of_equal_outputs_the_first_has_the_gradient():
  """As in TensorFlow; where an image is constant, whole windows are equal."""
  case = 'padded'
  images, kernel = (tf.cast(t // 1, tf.float32) for t in _data(case))
  images = tf.concat([tf.ones_like(images[:2]), images[:1, ::-1]], 0)
  geometry = _geometry(case)
  found = _with_gradients(
    lambda images, kernel: _by_patches(images, kernel, geometry),
    images,
    kernel,
  )
  wanted = _with_gradients(_by_kernels(case), images, kernel)
  for one, other in zip(found, wanted):
    np.testing.assert_array_equal(one, other)


def test_outputs_are_the_inputs_of_the_next():
  case = 'conv2 of LeNet-5'
  images, kernel = _data(case)
  wanted = _by_patches(images, kernel, _geometry(case))
  channels_first = tf.transpose(images, [3, 1, 2, 0])
  outputs = pooled_patches.convolve(
    tf.reshape(channels_first, [-1, images.shape[0]]),
    kernel,
    _geometry(case, channels_first=True),
  )
  found = tf.transpose(tf.reshape(outputs, [16, 4, 4, -1]), [3, 1, 2, 0])
  np.testing.assert_allclose(found, wanted, **_CLOSE)


def test_second_derivatives():
  case = 'one output'
  geometry = _geometry(case)
  images, kernel = _data(case)

  def curvature(function):
    with tf.GradientTape() as outer:
      outer.watch(kernel)
      with tf.GradientTape() as inner:
        inner.watch(kernel)
        total = tf.reduce_sum(function(images, kernel) ** 3)
      gradient = inner.gradient(total, kernel)
    return outer.gradient(gradient, kernel)

  found = curvature(lambda x, k: _by_patches(x, k, geometry))
  assert np.abs(found).max() > 1
  np.testing.assert_allclose(found, curvature(_by_kernels(case)), **_CLOSE)


def test_an_empty_batch():
  geometry = _geometry('padded')
  images, kernel = _data('padded', batch=0)
  assert _by_patches(images, kernel, geometry).shape == (0, 4, 4, 3)
