"""VGG for small images (Simonyan & Zisserman, ICLR 2015)."""

from collections.abc import Sequence

import tensorflow as tf

from flsec import registry
from flsec.models import images
from flsec.models.normalization import check_normalization, normalized

# Filters of the convolutions between two poolings.
_STAGES = {
  11: ((64,), (128,), (256,) * 2, (512,) * 2, (512,) * 2),
  13: ((64,) * 2, (128,) * 2, (256,) * 2, (512,) * 2, (512,) * 2),
  16: ((64,) * 2, (128,) * 2, (256,) * 3, (512,) * 3, (512,) * 3),
}


@registry.model('vgg', paper='Simonyan & Zisserman, ICLR 2015; FLAP code')
def vgg(
  *,
  input_shape: tuple,
  num_classes: int,
  depth: int = 16,
  hidden: Sequence[int] = (256, 256),
  dropout: float = 0.5,
  normalization: str = 'group',
) -> tf.keras.Model:
  """VGG-16 for CIFAR with normalisation and two dense layers of 256 units.

  14,922,826 trained weights on 32x32x3 images and 10 classes; with batch
  normalisation, as in FLAP's code, 8,448 moving statistics more: 14,931,274.

  Args:
    input_shape: (height, width, channels) of an example, at least 32x32.
    num_classes: length of the logits.
    depth: 11, 13 or 16.
    hidden: units of the dense layers before the logits.
    dropout: share of the units dropped before the logits, in [0, 1).
    normalization: 'group', 'batch' or 'none', between convolution and ReLU.

  Returns:
    A functional Keras model that ends in logits.

  Raises:
    ValueError: an option out of its range, or images too small.
  """
  if depth not in _STAGES:
    raise ValueError(f'vgg: depth is one of {list(_STAGES)}; got {depth}.')
  if not 0.0 <= dropout < 1.0:
    raise ValueError(f'vgg: dropout must be in [0, 1); got {dropout}.')
  images.check_images('vgg', input_shape, 32)
  images.check_positive('vgg', 'hidden', hidden)
  check_normalization('vgg', normalization)
  layers = tf.keras.layers
  x = inputs = tf.keras.Input(input_shape)
  for stage, widths in enumerate(_STAGES[depth], start=1):
    for index, width in enumerate(widths, start=1):
      name = f'stage{stage}_conv{index}'
      x = layers.Conv2D(
        width, 3, padding='same', kernel_initializer='he_normal', name=name
      )(x)
      x = normalized(x, normalization, f'{name}_norm')
      x = layers.ReLU(name=f'{name}_relu')(x)
    x = layers.MaxPooling2D(name=f'stage{stage}_pool')(x)
  x = layers.Flatten(name='flatten')(x)
  for index, units in enumerate(hidden, start=1):
    x = layers.Dense(units, activation='relu', name=f'dense{index}')(x)
  if dropout:
    x = layers.Dropout(dropout, name='dropout')(x)
  x = layers.Dense(num_classes, name='logits')(x)
  return tf.keras.Model(inputs, x, name='vgg')
