"""A convolution and its 2x2 max pooling as products of matrices.

TensorFlow's CPU kernels compute a convolution 16 channels at a time. With the 1
to 16 channels of a LeNet most lanes idle, above all in the gradient of the
inputs. Here a column holds all inputs that the four outputs of one pooling
window see, and one product gives the four: (1 + 1 / k)^2 times the
multiplications of a k x k convolution, at the rate of a matrix product.

The batch comes last: inputs are [features, b]. Then columns are gathered in
runs of b numbers, and a pooling is the maximum of contiguous halves.
"""

import dataclasses

import numpy as np
import tensorflow as tf

# Of a window's outputs (row, column), in an order whose halves, and their
# halves again, are compared as TensorFlow's pooling compares them: of equal
# outputs the first one in row-major order has the gradient.
_WINDOW = ((0, 0), (1, 0), (0, 1), (1, 1))


@dataclasses.dataclass(frozen=True)
class Geometry:
  """Which input and which weight meet where; K inputs a window, P windows.

  Attributes:
    sources: int32 [K * P], rows of the inputs, -1 where they are padded.
    weights: int32 [K * 4], rows of the kernel as a matrix [k k c, filters], -1
      where an output does not see an input.
    num_inputs: rows of the inputs, h w c.
    height, width: of the pooled outputs; P is their product.
  """

  sources: np.ndarray
  weights: np.ndarray
  num_inputs: int
  height: int
  width: int


def build_geometry(
  input_shape: tuple[int, int, int],
  kernel_size: tuple[int, int],
  *,
  is_padded: bool,
  channels_first: bool,
) -> Geometry:
  """Builds the tables of a convolution with stride 1.

  Args:
    input_shape: height, width and channels of the inputs.
    kernel_size: of the convolution.
    is_padded: with zeros to outputs of the inputs' size ('same').
    channels_first: the rows of the inputs are ordered (c, h, w), as `convolve`
      returns them; else (h, w, c), as Keras flattens images.

  Returns:
    The tables. An odd last row or column of outputs is not pooled.
  """
  height, width, channels = input_shape
  before = [(size - 1) // 2 if is_padded else 0 for size in kernel_size]
  lost = [0 if is_padded else size - 1 for size in kernel_size]
  pooled = ((height - lost[0]) // 2, (width - lost[1]) // 2)
  row, column, channel, down, right = np.indices(
    (kernel_size[0] + 1, kernel_size[1] + 1, channels, *pooled), sparse=True
  )
  y, x = 2 * down + row - before[0], 2 * right + column - before[1]
  if channels_first:
    sources = (channel * height + y) * width + x
  else:
    sources = (y * width + x) * channels + channel
  is_inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
  row, column, channel, output = np.indices(
    (kernel_size[0] + 1, kernel_size[1] + 1, channels, 4), sparse=True
  )
  window = np.array(_WINDOW)[output]  # [1, 1, 1, 4, 2]
  row, column = row - window[..., 0], column - window[..., 1]
  weights = (row * kernel_size[1] + column) * channels + channel
  is_seen = (row >= 0) & (row < kernel_size[0])
  is_seen = is_seen & (column >= 0) & (column < kernel_size[1])
  return Geometry(
    np.where(is_inside, sources, -1).ravel().astype(np.int32),
    np.where(is_seen, weights, -1).ravel().astype(np.int32),
    height * width * channels,
    *pooled,
  )


def convolve(
  inputs: tf.Tensor, kernel: tf.Tensor, geometry: Geometry
) -> tf.Tensor:
  """Convolves and pools: `max over 2x2 windows of (inputs * kernel)`.

  Args:
    inputs: float32 [num_inputs, b].
    kernel: float32 [k, k, c, filters].
    geometry: of this convolution.

  Returns:
    float32 [filters, P * b]; as [filters * P, b] the next one's inputs, with
    `channels_first`.
  """
  filters = kernel.shape[-1]
  sources, weights = geometry.sources, geometry.weights

  @tf.custom_gradient
  def run(inputs: tf.Tensor, matrix: tf.Tensor):
    columns, wide, outputs = _products(inputs, matrix, geometry)
    halves = tf.split(outputs, 2)
    quarters = tf.split(tf.maximum(*halves), 2)

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
      into = _into_larger(_into_larger(upstream, *quarters), *halves)
      # The kernel of BatchMatMul is quicker than that of MatMul for this.
      of_wide = tf.raw_ops.BatchMatMulV2(x=columns, y=into, adj_y=True)
      of_matrix = tf.math.unsorted_segment_sum(
        tf.reshape(of_wide, [-1, filters]), weights, matrix.shape[0]
      )
      of_columns = tf.reshape(tf.matmul(wide, into), [len(sources), -1])
      of_inputs = tf.math.unsorted_segment_sum(
        of_columns, sources, geometry.num_inputs
      )
      return of_inputs, of_matrix

    return tf.maximum(*quarters), gradient

  return run(inputs, tf.reshape(kernel, [-1, filters]))


def convolve_plainly(
  inputs: tf.Tensor, kernel: tf.Tensor, geometry: Geometry
) -> tf.Tensor:
  """Does as `convolve`, for those who want no gradient, or any of them.

  Its gradient is TensorFlow's own: slower, and found in loops, too.
  """
  matrix = tf.reshape(kernel, [-1, kernel.shape[-1]])
  outputs = _products(inputs, matrix, geometry)[-1]
  for _ in range(2):
    outputs = tf.maximum(*tf.split(outputs, 2))
  return outputs


def _products(
  inputs: tf.Tensor, matrix: tf.Tensor, geometry: Geometry
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
  """Returns columns [K, P b], weights [K, 4 filters] and their product."""
  weights = geometry.weights
  columns = _gather(inputs, geometry.sources, geometry.num_inputs)
  columns = tf.reshape(columns, [len(weights) // 4, -1])
  wide = _gather(matrix, weights, matrix.shape[0])
  wide = tf.reshape(wide, [-1, 4 * matrix.shape[1]])
  return columns, wide, tf.matmul(wide, columns, transpose_a=True)


def _gather(values: tf.Tensor, rows: np.ndarray, count: int) -> tf.Tensor:
  """Gathers rows of values [count, ...]; row -1 is zero."""
  if (rows < 0).any():
    values = tf.pad(values, [[0, 1], [0, 0]])
    rows = np.where(rows < 0, count, rows)
  return tf.gather(values, rows)


def _into_larger(
  upstream: tf.Tensor, first: tf.Tensor, second: tf.Tensor
) -> tf.Tensor:
  """Sends a maximum's gradient to the larger of two, to the first if equal."""
  into_second = tf.raw_ops.ReluGrad(gradients=upstream, features=second - first)
  return tf.concat([upstream - into_second, into_second], axis=0)
