"""Convolution and pooling as products of matrices, beside TensorFlow's kernels.

Run `python -m benchmarks.patches`. Times forward and backward passes of single
layers on one thread; `flsec.models.pooled_conv` takes products for layers like
those that gain here.
"""

import tensorflow as tf

from benchmarks import timing
from flsec.models import pooled_patches

# height, channels, kernel, filters, 'same' padding, is the first layer.
_LAYERS = {
  'LeNet-5, conv1': (28, 1, 5, 6, False, True),
  'LeNet-5, conv2': (12, 6, 5, 16, False, False),
  'LeNet-5, conv1, same': (28, 1, 5, 6, True, True),
  'LeNet-5, conv2, 14x14': (14, 6, 5, 16, False, False),
  'LeNet-5 on 32x32x3, conv1': (32, 3, 5, 6, False, True),
  '5x5, 20 filters': (28, 1, 5, 20, False, True),
  '5x5, 32 filters': (28, 1, 5, 32, True, True),
  '5x5, 16 channels': (12, 16, 5, 16, False, False),
  '3x3, 8 channels': (16, 8, 3, 16, True, False),
  '3x3, 32 filters on 32x32x3': (32, 3, 3, 32, True, True),
}
_CALLS = 40


def main() -> None:
  """Prints a row a layer and batch size."""
  print(f'{"layer":<28}{"batch":>6}{"kernels":>12}{"products":>12}{"ratio":>7}')
  for name, layer in _LAYERS.items():
    for batch in (24, 128):
      data = _data(layer, batch)
      seconds = timing.in_turns(
        {
          'kernels': _repeated(_by_kernels(layer), layer, data),
          'products': _repeated(_by_products(layer), layer, data),
        },
        repeats=5,
      )
      kernels, products = (1e6 * s / _CALLS for s in seconds.values())
      print(
        f'{name:<28}{batch:>6}{kernels:>9.0f} us{products:>9.0f} us'
        f'{kernels / products:>7.2f}',
        flush=True,
      )


def _data(layer, batch):
  size, channels, kernel, filters, *_ = layer
  return (
    tf.random.stateless_normal([batch, size, size, channels], [1, 2]),
    tf.random.stateless_normal([kernel, kernel, channels, filters], [3, 4]),
  )


def _by_kernels(layer):
  padding = 'SAME' if layer[4] else 'VALID'

  def call(images, kernel):
    outputs = tf.nn.conv2d(images, kernel, 1, padding)
    return tf.nn.max_pool2d(outputs, 2, 2, 'VALID')

  return call


def _by_products(layer):
  size, channels, kernel_size, _, is_padded, _ = layer
  geometry = pooled_patches.build_geometry(
    (size, size, channels),
    (kernel_size, kernel_size),
    is_padded=is_padded,
    channels_first=False,
  )

  def call(images, kernel):
    rows = tf.transpose(tf.reshape(images, [-1, geometry.num_inputs]))
    return pooled_patches.convolve(rows, kernel, geometry)

  return call


def _repeated(function, layer, data):
  """Returns a call of `_CALLS` steps down the gradient, one after another."""

  def step(index, images, kernel):
    with tf.GradientTape() as tape:
      tape.watch((images, kernel))
      outputs = function(images, kernel)
    is_first = layer[-1]
    wanted = (kernel,) if is_first else (images, kernel)
    moved = [
      value - 1e-6 * gradient
      for value, gradient in zip(
        wanted, tape.gradient(outputs, wanted, tf.ones_like(outputs))
      )
    ]
    return (index + 1, images, *moved) if is_first else (index + 1, *moved)

  @tf.function(autograph=False)
  def run(images, kernel):
    return tf.while_loop(
      lambda index, *_: index < _CALLS, step, (0, images, kernel)
    )[-1]

  return lambda: run(*data).numpy()


if __name__ == '__main__':
  main()
