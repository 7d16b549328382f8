"""Residual networks of two-convolution blocks, in every flavour needed here."""

import dataclasses
from collections.abc import Sequence
from typing import Optional

import tensorflow as tf

from flsec.models import images
from flsec.models.normalization import check_normalization, normalized
from flsec.models.standardized import Moment, standardized


@dataclasses.dataclass(frozen=True)
class Flavour:
  """What distinguishes one residual network from another.

  Attributes:
    name: of the Keras model.
    widths: filters of each stage; each stage but the first halves the sides.
    blocks: blocks in each stage.
    stem: filters of the first convolution.
    uses_bias: whether convolutions have biases.
    normalizes_shortcut: whether a projection is normalised.
    normalization: 'group', 'batch' or 'none'.
    standardize: (mean, deviation) of the inputs, see `standardized`.
  """

  name: str
  widths: tuple[int, ...]
  blocks: int
  stem: int
  uses_bias: bool = False
  normalizes_shortcut: bool = True
  normalization: str = 'group'
  standardize: Optional[Sequence[Moment]] = None


def residual_features(
  input_shape: Sequence[int], flavour: Flavour
) -> tuple[tf.Tensor, tf.Tensor]:
  """Builds a residual network up to its last feature maps.

  A 3x3 stem, then blocks of two 3x3 convolutions. The shortcut is the identity,
  and a 1x1 projection (option B of He et al.) where sides or widths change.

  Args:
    input_shape: (height, width, channels).
    flavour: widths, depth and details.

  Returns:
    The input and the feature maps, as Keras tensors.

  Raises:
    ValueError: no image, or an option out of its range.

  References:
    He et al., CVPR 2016, sections 3.3 and 4.2.
  """
  images.check_images(flavour.name, input_shape, 2 ** len(flavour.widths))
  images.check_positive(
    flavour.name, 'widths and blocks', [*flavour.widths, flavour.blocks]
  )
  check_normalization(flavour.name, flavour.normalization)
  inputs = tf.keras.Input(input_shape)
  x = standardized(flavour.name, inputs, flavour.standardize)
  x = _convolved(x, flavour, flavour.stem, 3, 1, 'stem')
  x = _rectified(x, 'stem')
  for stage, width in enumerate(flavour.widths, start=1):
    for block in range(1, flavour.blocks + 1):
      stride = 2 if stage > 1 and block == 1 else 1
      x = _block(x, flavour, width, stride, f'stage{stage}_block{block}')
  return inputs, x


def _block(
  x: tf.Tensor, flavour: Flavour, width: int, stride: int, name: str
) -> tf.Tensor:
  shortcut = x
  x = _convolved(x, flavour, width, 3, stride, f'{name}_conv1')
  x = _rectified(x, f'{name}_conv1')
  x = _convolved(x, flavour, width, 3, 1, f'{name}_conv2')
  if stride != 1 or shortcut.shape[-1] != width:
    shortcut = _convolved(
      shortcut,
      flavour,
      width,
      1,
      stride,
      f'{name}_shortcut',
      is_normalized=flavour.normalizes_shortcut,
    )
  x = tf.keras.layers.Add(name=f'{name}_add')([x, shortcut])
  return _rectified(x, name)


def _convolved(
  x: tf.Tensor,
  flavour: Flavour,
  filters: int,
  size: int,
  stride: int,
  name: str,
  *,
  is_normalized: bool = True,
) -> tf.Tensor:
  x = tf.keras.layers.Conv2D(
    filters,
    size,
    stride,
    padding='same',
    use_bias=flavour.uses_bias,
    kernel_initializer='he_normal',
    name=name,
  )(x)
  if not is_normalized:
    return x
  return normalized(x, flavour.normalization, f'{name}_norm')


def _rectified(x: tf.Tensor, name: str) -> tf.Tensor:
  return tf.keras.layers.ReLU(name=f'{name}_relu')(x)
