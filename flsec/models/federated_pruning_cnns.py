"""The networks of the federated pruning defence (Wu et al., arXiv 2020).

The paper gives the numbers of layers, and the filters for MNIST; other widths,
kernel sizes and poolings are chosen here.
"""

from collections.abc import Sequence
from typing import Optional

import tensorflow as tf

from flsec import registry
from flsec.models.cnn import cnn
from flsec.models.standardized import Moment


@registry.model('cnn_3conv', paper='Wu et al., arXiv 2020')
def cnn_3conv(
  *,
  input_shape: tuple,
  num_classes: int,
  normalization: str = 'none',
  standardize: Optional[Sequence[Moment]] = None,
) -> tf.keras.Model:
  """Wu et al.'s network for Fashion-MNIST: 3 convolutions and 2 dense layers.

  Filters 16, 32, 64 of 3x3 ('same'), each pooled, then 128 units: 98,442
  weights on 28x28x1 images and 10 classes.

  Args:
    input_shape: (height, width, channels) of an example.
    num_classes: length of the logits.
    normalization: 'group', 'batch' or 'none'.
    standardize: (mean, deviation) of the inputs' entries, as of `cnn`.

  Returns:
    A functional Keras model that ends in logits.

  Raises:
    ValueError: an unknown normalisation, or images below 8x8.
  """
  return cnn(
    input_shape=input_shape,
    num_classes=num_classes,
    filters=(16, 32, 64),
    kernel_size=3,
    padding='same',
    pool_after=(1, 2, 3),
    hidden=(128,),
    normalization=normalization,
    standardize=standardize,
  )


@registry.model('cnn_4conv', paper='Wu et al., arXiv 2020')
def cnn_4conv(
  *,
  input_shape: tuple,
  num_classes: int,
  normalization: str = 'none',
  standardize: Optional[Sequence[Moment]] = None,
) -> tf.keras.Model:
  """Wu et al.'s network for CIFAR-10: 4 convolutions and 3 dense layers.

  Filters 32, 32, 64, 64 of 3x3 ('same'), pooled after the second and the
  fourth, then 512 and 128 units: 2,230,186 weights on 32x32x3 images and 10
  classes.

  Args:
    input_shape: (height, width, channels) of an example.
    num_classes: length of the logits.
    normalization: 'group', 'batch' or 'none'.
    standardize: (mean, deviation) of the inputs' entries, as of `cnn`.

  Returns:
    A functional Keras model that ends in logits.

  Raises:
    ValueError: an unknown normalisation, or images below 4x4.
  """
  return cnn(
    input_shape=input_shape,
    num_classes=num_classes,
    filters=(32, 32, 64, 64),
    kernel_size=3,
    padding='same',
    pool_after=(2, 4),
    hidden=(512, 128),
    normalization=normalization,
    standardize=standardize,
  )
