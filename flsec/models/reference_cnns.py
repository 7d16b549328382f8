"""Small networks of the fl-analysis and FLAP code, for converted configs."""

import tensorflow as tf

from flsec import registry
from flsec.models import images
from flsec.models.cnn import cnn
from flsec.models.normalization import check_normalization, normalized


@registry.model('dev', paper='fl-analysis (Burkhalter et al., 2021)')
def dev(*, input_shape: tuple, num_classes: int) -> tf.keras.Model:
  """The smallest network of fl-analysis: filters 8 and 4 of 3x3, 32 units.

  19,166 weights on 28x28x1 images and 10 classes.

  Args:
    input_shape: (height, width, channels) of an example, at least 6x6.
    num_classes: length of the logits.

  Returns:
    A functional Keras model that ends in logits.

  Raises:
    ValueError: inputs that are no such images.
  """
  return cnn(
    input_shape=input_shape,
    num_classes=num_classes,
    filters=(8, 4),
    kernel_size=3,
    pool_after=(2,),
    hidden=(32,),
  )


@registry.model('mnist_cnn', paper='fl-analysis; Meng et al., ICICS 2023')
def mnist_cnn(
  *, input_shape: tuple, num_classes: int, hidden: int = 64
) -> tf.keras.Model:
  """FLAP's CNN for MNIST: filters 64 and 32 of 2x2, each pooled, 64 units.

  109,610 weights on 28x28x1 images and 10 classes; 412,778 with fl-analysis'
  256 units.

  Args:
    input_shape: (height, width, channels) of an example, at least 4x4.
    num_classes: length of the logits.
    hidden: units of the dense layer.

  Returns:
    A functional Keras model that ends in logits.

  Raises:
    ValueError: inputs that are no such images, or hidden below 1.
  """
  return cnn(
    input_shape=input_shape,
    num_classes=num_classes,
    filters=(64, 32),
    kernel_size=2,
    padding='same',
    hidden=(hidden,),
  )


@registry.model('bhagoji', paper='Bhagoji et al., ICML 2019')
def bhagoji(*, input_shape: tuple, num_classes: int) -> tf.keras.Model:
  """Bhagoji et al.'s CNN for Fashion-MNIST: 2 x 64 filters of 5x5, 128 units.

  3,382,346 weights on 28x28x1 images and 10 classes; no pooling.

  Args:
    input_shape: (height, width, channels) of an example, at least 9x9.
    num_classes: length of the logits.

  Returns:
    A functional Keras model that ends in logits.

  Raises:
    ValueError: inputs that are no such images.
  """
  return cnn(
    input_shape=input_shape,
    num_classes=num_classes,
    filters=(64, 64),
    pool_after=(),
    hidden=(128,),
  )


@registry.model('allcnn', paper='Springenberg et al., ICLR workshop 2015')
def allcnn(
  *,
  input_shape: tuple,
  num_classes: int,
  normalization: str = 'none',
) -> tf.keras.Model:
  """All-CNN-C: 9 convolutions, strides instead of pooling, global average.

  1,369,848 weights on 32x32x3 images and 10 classes, with the dense layer that
  fl-analysis puts behind the global average.

  Args:
    input_shape: (height, width, channels) of an example, at least 4x4.
    num_classes: length of the logits.
    normalization: 'group', 'batch' or 'none', between convolution and ReLU.

  Returns:
    A functional Keras model that ends in logits.

  Raises:
    ValueError: an unknown normalisation, or inputs that are no such images.
  """
  check_normalization('allcnn', normalization)
  images.check_images('allcnn', input_shape, 4)
  layers = tf.keras.layers
  x = inputs = tf.keras.Input(input_shape)
  for index, (width, size, stride) in enumerate(
    [
      *[(96, 3, 1), (96, 3, 1), (96, 3, 2)],
      *[(192, 3, 1), (192, 3, 1), (192, 3, 2)],
      *[(192, 3, 1), (192, 1, 1), (num_classes, 1, 1)],
    ],
    start=1,
  ):
    x = layers.Conv2D(width, size, stride, padding='same', name=f'conv{index}')(
      x
    )
    # The last one has a filter a class: no groups to normalise.
    if index < 9:
      x = normalized(x, normalization, f'norm{index}')
    x = layers.ReLU(name=f'relu{index}')(x)
  x = layers.GlobalAveragePooling2D(name='pool')(x)
  x = layers.Dense(num_classes, name='logits')(x)
  return tf.keras.Model(inputs, x, name='allcnn')
