"""Plain convolutional networks: convolutions, pooling, dense layers."""

from collections.abc import Sequence
from typing import Optional

import tensorflow as tf

from flsec import registry
from flsec.models import images
from flsec.models.normalization import check_normalization, normalized
from flsec.models.standardized import Moment, standardized


@registry.model(
  'cnn', paper='Ozfatura et al., arXiv 2024; Wu et al., arXiv 2020'
)
def cnn(
  *,
  input_shape: tuple,
  num_classes: int,
  filters: Sequence[int] = (20, 50),
  kernel_size: int = 5,
  padding: str = 'valid',
  pool_after: Sequence[int] = (1, 2),
  hidden: Sequence[int] = (500,),
  dropout: float = 0.0,
  normalization: str = 'none',
  standardize: Optional[Sequence[Moment]] = None,
) -> tf.keras.Model:
  """Convolutions with ReLU and 2x2 max pooling, then dense layers.

  The defaults are the hybrid sparse attack's two-layer CNN (20 and 50 filters
  of 5x5, 500 units: 431,080 weights on 28x28x1 images and 10 classes), and Wu
  et al.'s network for MNIST; their small one has `filters: [8, 16]`.

  Args:
    input_shape: (height, width, channels) of an example.
    num_classes: length of the logits.
    filters: of each convolution.
    kernel_size: side of every kernel.
    padding: 'valid' or 'same', of every convolution.
    pool_after: numbers of the convolutions, from 1, that are pooled.
    hidden: units of the dense layers before the logits.
    dropout: share of the units dropped after each of these, in [0, 1).
    normalization: 'group', 'batch' or 'none', between convolution and ReLU.
    standardize: (mean, deviation) of the inputs' entries, such as (0.1307,
      0.3081) of MNIST: (x - mean) / deviation is what the first convolution
      sees. None: x. A trigger's values stay those of x.

  Returns:
    A functional Keras model that ends in logits.

  Raises:
    ValueError: an option out of its range, or images too small for it.
  """
  _check(filters, kernel_size, padding, pool_after, hidden, dropout)
  check_normalization('cnn', normalization)
  images.check_images('cnn', input_shape, 1)
  layers = tf.keras.layers
  inputs = tf.keras.Input(input_shape)
  x = standardized('cnn', inputs, standardize)
  for index, width in enumerate(filters, start=1):
    if padding == 'valid' and min(x.shape[1:3]) < kernel_size:
      raise ValueError(_too_small(input_shape, index, x.shape[1:3]))
    name = f'conv{index}'
    x = layers.Conv2D(width, kernel_size, padding=padding, name=name)(x)
    x = normalized(x, normalization, f'norm{index}')
    x = layers.ReLU(name=f'relu{index}')(x)
    if index in pool_after:
      if min(x.shape[1:3]) < 2:
        raise ValueError(_too_small(input_shape, index, x.shape[1:3]))
      x = layers.MaxPooling2D(name=f'pool{index}')(x)
  x = layers.Flatten(name='flatten')(x)
  for index, units in enumerate(hidden, start=1):
    x = layers.Dense(units, activation='relu', name=f'dense{index}')(x)
    if dropout:
      x = layers.Dropout(dropout, name=f'dropout{index}')(x)
  x = layers.Dense(num_classes, name='logits')(x)
  return tf.keras.Model(inputs, x, name='cnn')


def _check(filters, kernel_size, padding, pool_after, hidden, dropout) -> None:
  images.check_positive('cnn', 'filters', filters)
  images.check_positive('cnn', 'kernel_size', [kernel_size])
  images.check_positive('cnn', 'hidden', hidden)
  if padding not in ('valid', 'same'):
    raise ValueError(f"cnn: padding is 'valid' or 'same'; got {padding!r}.")
  if not set(pool_after) <= set(range(1, len(filters) + 1)):
    raise ValueError(
      f'cnn: pool_after names convolutions from 1 to {len(filters)}; got '
      f'{list(pool_after)}.'
    )
  if not 0.0 <= dropout < 1.0:
    raise ValueError(f'cnn: dropout must be in [0, 1); got {dropout}.')


def _too_small(
  input_shape: Sequence[int], index: int, sides: Sequence[int]
) -> str:
  return (
    f'cnn: images of input_shape={tuple(input_shape)} are down to '
    f'{sides[0]}x{sides[1]} at convolution {index}, too small for it. Use '
    "padding: 'same', smaller kernels or less pooling."
  )
