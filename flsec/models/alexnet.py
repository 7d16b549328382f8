"""AlexNet for CIFAR (Krizhevsky et al., NeurIPS 2012)."""

import tensorflow as tf

from flsec import registry
from flsec.models import images
from flsec.models.normalization import check_normalization, normalized


@registry.model('alexnet', paper='Krizhevsky et al., NeurIPS 2012; FLAP code')
def alexnet(
  *,
  input_shape: tuple,
  num_classes: int,
  normalization: str = 'group',
) -> tf.keras.Model:
  """AlexNet on images of twice the size, as FLAP's code has it for CIFAR.

  Convolutions: 128 of 11x11 (stride 4), 256 of 5x5, 256 of 3x3, 256 and 256 of
  1x1; pooling after the first, second and last; two dense layers of 1,024.
  2,913,034 trained weights on 32x32x3 images and 10 classes; with batch
  normalisation, as in that code, 2,304 moving statistics more: 2,915,338.

  Args:
    input_shape: (height, width, channels) of an example, at least 32x32.
    num_classes: length of the logits.
    normalization: 'group', 'batch' or 'none', between convolution and ReLU.

  Returns:
    A functional Keras model that ends in logits.

  Raises:
    ValueError: an unknown normalisation, or images too small.
  """
  images.check_images('alexnet', input_shape, 32)
  check_normalization('alexnet', normalization)
  layers = tf.keras.layers
  inputs = tf.keras.Input(input_shape)
  x = layers.UpSampling2D(name='upsampling')(inputs)
  for index, (filters, size, stride, padding, pool) in enumerate(
    [
      (128, 11, 4, 'valid', 3),
      (256, 5, 1, 'same', 3),
      (256, 3, 1, 'same', 0),
      (256, 1, 1, 'same', 0),
      (256, 1, 1, 'same', 2),
    ],
    start=1,
  ):
    x = layers.Conv2D(
      filters, size, stride, padding=padding, name=f'conv{index}'
    )(x)
    x = normalized(x, normalization, f'norm{index}')
    x = layers.ReLU(name=f'relu{index}')(x)
    if pool:
      x = layers.MaxPooling2D(pool, 2, name=f'pool{index}')(x)
  x = layers.Flatten(name='flatten')(x)
  for index in (1, 2):
    x = layers.Dense(1024, activation='relu', name=f'dense{index}')(x)
  x = layers.Dense(num_classes, name='logits')(x)
  return tf.keras.Model(inputs, x, name='alexnet')
