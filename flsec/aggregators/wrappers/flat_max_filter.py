"""The max filter as the AGRAMPLIFIER code lays it over the whole vector."""

import dataclasses

import numpy as np
import tensorflow as tf

from flsec.aggregators.wrappers.max_filter import filter_patches
from flsec.models.layout import Layout


@dataclasses.dataclass(frozen=True)
class FlatMaxFilter:
  """Amplifies updates the way the authors' code does (dense models only).

  The vector, in PyTorch's order (kernels [out, in]), without the last bias, is
  cut into rows as long as the first hidden layer is wide. So patches straddle
  layers, and hidden biases are pooled with the rest.

  Attributes:
    kernel_size: k, patch side and stride.
    restores_size: as in `MaxFilter`; the last bias is then kept as it is, and
      dropped otherwise.
  """

  kernel_size: int
  restores_size: bool = False

  def __call__(self, rows: tf.Tensor, layout: Layout) -> tf.Tensor:
    """Amplifies updates [m, d] to [m, e]; e = d where the size is restored.

    Raises:
      ValueError: the model has other layers than dense ones, its size is no
        multiple of the hidden width, or a patch is larger than the matrix.
    """
    order, width = torch_order(layout)
    height = len(order) // width
    if self.kernel_size > min(height, width):
      raise ValueError(
        f'amplified: kernel_size={self.kernel_size} is larger than the flat '
        f'layout of {height} x {width}. Take at most {min(height, width)}.'
      )
    matrices = tf.reshape(tf.gather(rows, order, axis=1), [-1, height, width])
    patch = (self.kernel_size, self.kernel_size)
    filtered = filter_patches(matrices, patch, restores_size=self.restores_size)
    size = filtered.shape[1] * filtered.shape[2]
    flat = tf.reshape(filtered, [-1, size])
    if self.restores_size:
      flat = tf.gather(flat, np.argsort(order), axis=1)
      flat = tf.concat([flat, rows[:, len(order) :]], axis=1)
      size = layout.size
    return tf.ensure_shape(flat, [rows.shape[0], size])


def torch_order(layout: Layout) -> tuple[np.ndarray, int]:
  """Returns where each entry of PyTorch's vector lies in ours, and the width.

  Args:
    layout: of dense layers with biases.

  Returns:
    int [d - number of classes], without the last bias; units of the first
    layer.

  Raises:
    ValueError: the layout does not fit.
  """
  places = []
  for layer in layout.layers:
    if layer.kind != 'dense' or list(layer.spans) != ['kernel', 'bias']:
      raise ValueError(
        "amplified: replication='agramplifier_code' knows dense layers with a "
        f'bias only; got the {layer.kind} layer {layer.name!r}. Use '
        "replication='none'."
      )
    kernel, bias = layer.kernel, layer.spans['bias']
    index = np.arange(kernel.start, kernel.stop).reshape(kernel.shape)
    places += [index.T.ravel(), np.arange(bias.start, bias.stop)]
  order = np.concatenate(places[:-1]).astype(np.int32)
  width = layout.layers[0].units
  if len(order) % width:
    raise ValueError(
      "amplified: replication='agramplifier_code' cuts the model into rows of "
      f"the first layer's {width} units; its {len(order)} weights (without "
      "the last bias) are no multiple. Use replication='none'."
    )
  return order, width
