"""Residual networks for small images (He et al., CVPR 2016)."""

from collections.abc import Sequence
from typing import Optional

import tensorflow as tf

from flsec import registry
from flsec.models import images
from flsec.models.resnet_blocks import Flavour, residual_features
from flsec.models.standardized import Moment


@registry.model(
  'resnet20', paper='He et al., CVPR 2016; FedER, 2023', later=('standardize',)
)
def resnet20(
  *,
  input_shape: tuple,
  num_classes: int,
  depth: int = 20,
  width: int = 16,
  normalization: str = 'group',
  standardize: Optional[Sequence[Moment]] = None,
) -> tf.keras.Model:
  """ResNet-20 for CIFAR: 3 stages of 3 blocks, widths 16, 32, 64, option B.

  On 32x32x3 images and 10 classes it trains 272,474 weights. With batch
  normalisation 1,568 moving statistics are added, 274,042 in all; FedER's
  274,063 count PyTorch's 21 batch counters, too. Option A (padded identity
  shortcuts) is not offered: its additions tie channels of other numbers.

  Args:
    input_shape: (height, width, channels) of an example.
    num_classes: length of the logits.
    depth: 20, 32, 44, 56, ..., that is 6 n + 2.
    width: filters of the first stage; each next stage doubles them.
    normalization: 'group', 'batch' or 'none'.
    standardize: (mean, deviation) of the inputs' entries, or each a list, of
      each channel; None: inputs as they are.

  Returns:
    A functional Keras model that ends in logits.

  Raises:
    ValueError: an option out of its range, or inputs that are no images.
  """
  flavour = Flavour(
    f'resnet{depth}',
    (width, 2 * width, 4 * width),
    _blocks(depth),
    stem=width,
    normalization=normalization,
    standardize=standardize,
  )
  return _pooled_classifier(input_shape, num_classes, flavour)


@registry.model(
  'resnet14_wide', paper='Ozfatura et al., arXiv 2024', later=('standardize',)
)
def resnet14_wide(
  *,
  input_shape: tuple,
  num_classes: int,
  normalization: str = 'group',
  standardize: Optional[Sequence[Moment]] = None,
) -> tf.keras.Model:
  """The hybrid sparse attack's "ResNet-20": 3 stages of 2 blocks, 32, 64, 128.

  696,618 trained weights on 32x32x3 images and 10 classes. The paper calls it
  ResNet-20; its code has 14 layers, twice as wide as the standard ones.

  Args:
    input_shape: (height, width, channels) of an example.
    num_classes: length of the logits.
    normalization: 'group', 'batch' (the paper's) or 'none'.
    standardize: (mean, deviation) of the inputs' entries, or each a list, of
      each channel; None: inputs as they are.

  Returns:
    A functional Keras model that ends in logits.

  Raises:
    ValueError: an unknown normalisation, or inputs that are no images.
  """
  flavour = Flavour(
    'resnet14_wide',
    (32, 64, 128),
    2,
    stem=32,
    normalization=normalization,
    standardize=standardize,
  )
  return _pooled_classifier(input_shape, num_classes, flavour)


@registry.model(
  'resnet18', paper='He et al., CVPR 2016', later=('standardize',)
)
def resnet18(
  *,
  input_shape: tuple,
  num_classes: int,
  normalization: str = 'group',
  standardize: Optional[Sequence[Moment]] = None,
) -> tf.keras.Model:
  """ResNet-18 with a 3x3 stem for small images: 4 stages of 2 blocks.

  11,173,962 trained weights on 32x32x3 images and 10 classes.

  Args:
    input_shape: (height, width, channels) of an example.
    num_classes: length of the logits.
    normalization: 'group', 'batch' or 'none'.
    standardize: (mean, deviation) of the inputs' entries, or each a list, of
      each channel; None: inputs as they are.

  Returns:
    A functional Keras model that ends in logits.

  Raises:
    ValueError: an unknown normalisation, or inputs that are no images.
  """
  flavour = Flavour(
    'resnet18',
    (64, 128, 256, 512),
    2,
    stem=64,
    normalization=normalization,
    standardize=standardize,
  )
  return _pooled_classifier(input_shape, num_classes, flavour)


@registry.model(
  'resnet20_dense', paper='Meng et al., ICICS 2023', later=('standardize',)
)
def resnet20_dense(
  *,
  input_shape: tuple,
  num_classes: int,
  depth: int = 20,
  hidden: Sequence[int] = (256, 128),
  pool_size: int = 4,
  normalization: str = 'group',
  standardize: Optional[Sequence[Moment]] = None,
) -> tf.keras.Model:
  """FLAP's "ResNet-18": ResNet-20 with biases and a dense head that is pruned.

  Convolutions have biases and projections no normalisation. With batch
  normalisation, on 10 classes: 373,770 weights on 32x32x3 images, 324,330 on
  28x28x1 (1,376 of each are moving statistics). With `hidden: []` and
  `pool_size: 8` it is fl-analysis' network of 274,442 weights.

  Args:
    input_shape: (height, width, channels) of an example.
    num_classes: length of the logits.
    depth: 20, 32, 44, 56, ..., that is 6 n + 2.
    hidden: units of the dense layers before the logits.
    pool_size: side of the average pooling before them.
    normalization: 'group', 'batch' (the paper's) or 'none'.
    standardize: (mean, deviation) of the inputs' entries, or each a list, of
      each channel; None: inputs as they are.

  Returns:
    A functional Keras model that ends in logits.

  Raises:
    ValueError: an option out of its range, or inputs that are no images.
  """
  name = 'resnet20_dense'
  images.check_images(name, input_shape, 4 * pool_size - 3)
  images.check_positive(name, 'hidden and pool_size', [*hidden, pool_size])
  flavour = Flavour(
    name,
    (16, 32, 64),
    _blocks(depth),
    stem=16,
    uses_bias=True,
    normalizes_shortcut=False,
    normalization=normalization,
    standardize=standardize,
  )
  inputs, x = residual_features(input_shape, flavour)
  layers = tf.keras.layers
  x = layers.AveragePooling2D(pool_size, name='pool')(x)
  x = layers.Flatten(name='flatten')(x)
  for index, units in enumerate(hidden, start=1):
    x = layers.Dense(units, activation='relu', name=f'dense{index}')(x)
  x = layers.Dense(num_classes, name='logits')(x)
  return tf.keras.Model(inputs, x, name=name)


def _pooled_classifier(
  input_shape: Sequence[int], num_classes: int, flavour: Flavour
) -> tf.keras.Model:
  inputs, x = residual_features(input_shape, flavour)
  x = tf.keras.layers.GlobalAveragePooling2D(name='pool')(x)
  x = tf.keras.layers.Dense(num_classes, name='logits')(x)
  return tf.keras.Model(inputs, x, name=flavour.name)


def _blocks(depth: int) -> int:
  """Returns the blocks of each of the three stages.

  Raises:
    ValueError: the depth is not 6 n + 2.
  """
  if depth < 8 or depth % 6 != 2:
    raise ValueError(
      f'depth must be 6 n + 2 (8, 14, 20, 32, 44, 56, ...); got {depth}.'
    )
  return (depth - 2) // 6
