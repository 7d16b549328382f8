"""LeNet-5 (LeCun et al., Proc. IEEE 1998) with ReLU and max pooling."""

import math
from collections.abc import Sequence
from typing import Any, Optional

import tensorflow as tf

from flsec import registry
from flsec.models.standardized import Moment, standardized


@registry.model('lenet5', paper='LeCun et al., Proc. IEEE 1998')
def lenet5(
  *,
  input_shape: tuple,
  num_classes: int,
  padding: str = 'valid',
  initializer: str = 'glorot',
  initial_scale: float = 1.0,
  standardize: Optional[Sequence[Moment]] = None,
) -> tf.keras.Model:
  """LeNet-5: two 5x5 convolutions (6, 16 filters), then 120, 84 units.

  Args:
    input_shape: (height, width, channels) of an example.
    num_classes: length of the logits.
    padding: of the first convolution. On 28x28x1 images and 10 classes
      'valid' has 44,426 weights (FLAP's), 'same' (the original's 32x32 input)
      61,706 (FedER's CNN).
    initializer: 'glorot', Keras's default: kernels from Glorot's uniform
      distribution, biases 0; or 'torch', that of papers that used PyTorch and
      said nothing: kernels and biases uniform within 1 / sqrt(inputs of a
      unit), so that logits start nearer to 0.
    initial_scale: above 0, times the bounds from within which weights are
      drawn. There are five layers: with 0.8 logits start at a third, and
      training leaves its start later (FedER's page).
    standardize: (mean, deviation) of the inputs' entries, as of `cnn`.

  Returns:
    A functional Keras model that ends in logits.

  Raises:
    ValueError: an unknown padding or initialiser, a scale that is not above 0,
      moments that `standardize` does not allow, or images smaller than the
      kernels.
  """
  _check(input_shape, padding, initializer, initial_scale)
  layers = tf.keras.layers

  def conv(filters: int, name: str, x: tf.Tensor, padding: str = 'valid'):
    own = _initializers(initializer, 25 * x.shape[-1], initial_scale)
    own.update(activation='relu', name=name)
    return layers.Conv2D(filters, 5, padding=padding, **own)(x)

  def dense(units: int, name: str, x: tf.Tensor, activation: str = 'linear'):
    own = _initializers(initializer, x.shape[-1], initial_scale)
    return layers.Dense(units, activation, name=name, **own)(x)

  inputs = tf.keras.Input(input_shape)
  x = conv(6, 'conv1', standardized('lenet5', inputs, standardize), padding)
  x = layers.MaxPooling2D(name='pool1')(x)
  x = layers.MaxPooling2D(name='pool2')(conv(16, 'conv2', x))
  x = layers.Flatten(name='flatten')(x)
  x = dense(84, 'dense2', dense(120, 'dense1', x, 'relu'), 'relu')
  return tf.keras.Model(inputs, dense(num_classes, 'logits', x), name='lenet5')


def _check(
  input_shape: tuple, padding: str, initializer: str, initial_scale: float
) -> None:
  if padding not in ('valid', 'same'):
    raise ValueError(f"padding is 'valid' or 'same'; got {padding!r}.")
  if initializer not in ('glorot', 'torch'):
    raise ValueError(
      f"initializer is 'glorot' or 'torch'; got {initializer!r}."
    )
  if not 0 < initial_scale < math.inf:
    raise ValueError(
      f'initial_scale is above 0 (1: as the initializer has it); got '
      f'{initial_scale}.'
    )
  smallest = 16 if padding == 'valid' else 12
  if len(input_shape) != 3 or min(input_shape[:2]) < smallest:
    raise ValueError(
      f'lenet5 with padding={padding!r} takes images of at least '
      f'{smallest}x{smallest}; got input_shape={tuple(input_shape)}.'
    )


def _initializers(name: str, num_inputs: int, scale: float) -> dict[str, Any]:
  if name == 'glorot':
    kernel = tf.keras.initializers.VarianceScaling(
      scale**2, mode='fan_avg', distribution='uniform'
    )
    return {'kernel_initializer': kernel}
  uniform = tf.keras.initializers.RandomUniform
  bound = scale / math.sqrt(num_inputs)
  return {
    'kernel_initializer': uniform(-bound, bound),
    'bias_initializer': uniform(-bound, bound),
  }
