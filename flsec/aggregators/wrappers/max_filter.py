"""The max filter of AGRAMPLIFIER: the largest entry of each patch of a layer.

Every weight of rank 2 or more is seen as a matrix [inputs, outputs] (a
convolution's kernel [h, w, in, out] as [h w in, out]) and cut into patches of
k x k. The filter is signed: it takes the largest entry, not the largest
magnitude. Trailing rows and columns that fill no patch are left out.
"""

import dataclasses
from typing import Optional

import tensorflow as tf

from flsec.models.layout import Layout, Span

BIAS_MODES = ('drop', 'keep', 'pool')


@dataclasses.dataclass(frozen=True)
class MaxFilter:
  """How updates are amplified.

  Attributes:
    kernel_size: k, patch side and stride; a side of a layer that is shorter is
      taken whole.
    bias_mode: what becomes of weights of rank 1 (biases, normalisation):
      'drop', 'keep' as they are, or 'pool' over runs of k.
    restores_size: every maximum stays at its place (the first one in row-major
      order), and all other entries become 0, dropped ones included.
  """

  kernel_size: int
  bias_mode: str = 'drop'
  restores_size: bool = False

  def __call__(self, rows: tf.Tensor, layout: Layout) -> tf.Tensor:
    """Amplifies updates [m, d] to [m, e]; e = d where the size is restored.

    Raises:
      ValueError: a patch is larger than a layer.
    """
    check_kernel_size(self.kernel_size, layout)
    parts = []
    for layer in layout.layers:
      for span in layer.spans.values():
        part = self._amplify(rows[:, span.start : span.stop], span)
        parts += [] if part is None else [part]
    if not parts:
      raise ValueError('amplified: the model has no weights to amplify.')
    return tf.concat(parts, axis=1)

  def _amplify(self, rows: tf.Tensor, span: Span) -> Optional[tf.Tensor]:
    if len(span.shape) == 1 and self.bias_mode == 'keep':
      return rows
    if len(span.shape) == 1 and self.bias_mode == 'drop':
      return tf.zeros_like(rows) if self.restores_size else None
    height, width = matrix_shape(span)
    matrices = tf.reshape(rows, [-1, height, width])
    patch = min(self.kernel_size, height), min(self.kernel_size, width)
    filtered = filter_patches(matrices, patch, restores_size=self.restores_size)
    size = filtered.shape[1] * filtered.shape[2]
    return tf.ensure_shape(
      tf.reshape(filtered, [-1, size]), [rows.shape[0], size]
    )


def matrix_shape(span: Span) -> tuple[int, int]:
  """Returns (inputs, outputs) of a weight; a vector is one column."""
  if len(span.shape) == 1:
    return span.size, 1
  return span.size // span.shape[-1], span.shape[-1]


def check_kernel_size(kernel_size: int, layout: Layout) -> None:
  """Refuses patches that are larger than a layer, both ways.

  Such a layer would shrink to a single number. Where only one side is shorter
  than the patch, it is taken whole.

  Raises:
    ValueError: naming the layer and its sides.
  """
  for layer in layout.layers:
    for name, span in layer.spans.items():
      if len(span.shape) > 1 and kernel_size > max(matrix_shape(span)):
        height, width = matrix_shape(span)
        raise ValueError(
          f'amplified: kernel_size={kernel_size} is larger than the layer '
          f'{layer.name!r}, whose {name} is {height} x {width}. Take at most '
          f'{max(height, width)}.'
        )


def filter_patches(
  matrices: tf.Tensor, patch: tuple[int, int], *, restores_size: bool
) -> tf.Tensor:
  """Takes the largest entry of each patch, stride = patch.

  Args:
    matrices: float32 [m, h, w].
    patch: sides (a, b), at most (h, w).
    restores_size: see `MaxFilter`.

  Returns:
    [m, h // a, w // b], or [m, h, w] where the size is restored.
  """
  tall, wide = patch
  height, width = int(matrices.shape[1]), int(matrices.shape[2])
  down, across = height // tall, width // wide
  whole = matrices[:, : down * tall, : across * wide]
  if not restores_size:
    strips = tf.reshape(whole, [-1, down, tall, across * wide])
    strips = tf.reduce_max(strips, axis=2)
    return tf.reduce_max(tf.reshape(strips, [-1, down, across, wide]), axis=3)
  patches = tf.reshape(whole, [-1, down, tall, across, wide])
  patches = tf.transpose(patches, [0, 1, 3, 2, 4])
  patches = tf.reshape(patches, [-1, down, across, tall * wide])
  # argmax takes the first of equal entries.
  is_largest = tf.one_hot(tf.argmax(patches, axis=3), tall * wide)
  restored = tf.reshape(patches * is_largest, [-1, down, across, tall, wide])
  restored = tf.transpose(restored, [0, 1, 3, 2, 4])
  restored = tf.reshape(restored, [-1, down * tall, across * wide])
  return tf.pad(
    restored,
    [[0, 0], [0, height - down * tall], [0, width - across * wide]],
  )
