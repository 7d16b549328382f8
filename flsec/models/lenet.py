"""LeNet-5 (LeCun et al., Proc. IEEE 1998) with ReLU and max pooling."""

import math
from typing import Any

import tensorflow as tf

from flsec import registry


@registry.model('lenet5', paper='LeCun et al., Proc. IEEE 1998')
def lenet5(
  *,
  input_shape: tuple,
  num_classes: int,
  padding: str = 'valid',
  initializer: str = 'glorot',
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

  Returns:
    A functional Keras model that ends in logits.

  Raises:
    ValueError: an unknown padding or initialiser, or images smaller than the
      kernels.
  """
  if padding not in ('valid', 'same'):
    raise ValueError(f"padding is 'valid' or 'same'; got {padding!r}.")
  if initializer not in ('glorot', 'torch'):
    raise ValueError(
      f"initializer is 'glorot' or 'torch'; got {initializer!r}."
    )
  smallest = 16 if padding == 'valid' else 12
  if len(input_shape) != 3 or min(input_shape[:2]) < smallest:
    raise ValueError(
      f'lenet5 with padding={padding!r} takes images of at least '
      f'{smallest}x{smallest}; got input_shape={tuple(input_shape)}.'
    )
  layers = tf.keras.layers

  def conv(filters: int, name: str, x: tf.Tensor, padding: str = 'valid'):
    own = _initializers(initializer, 25 * x.shape[-1])
    own.update(activation='relu', name=name)
    return layers.Conv2D(filters, 5, padding=padding, **own)(x)

  def dense(units: int, name: str, x: tf.Tensor, activation: str = 'linear'):
    own = _initializers(initializer, x.shape[-1])
    return layers.Dense(units, activation, name=name, **own)(x)

  inputs = tf.keras.Input(input_shape)
  x = layers.MaxPooling2D(name='pool1')(conv(6, 'conv1', inputs, padding))
  x = layers.MaxPooling2D(name='pool2')(conv(16, 'conv2', x))
  x = layers.Flatten(name='flatten')(x)
  x = dense(84, 'dense2', dense(120, 'dense1', x, 'relu'), 'relu')
  return tf.keras.Model(inputs, dense(num_classes, 'logits', x), name='lenet5')


def _initializers(name: str, num_inputs: int) -> dict[str, Any]:
  if name == 'glorot':
    return {}
  uniform = tf.keras.initializers.RandomUniform
  bound = 1 / math.sqrt(num_inputs)
  return {
    'kernel_initializer': uniform(-bound, bound),
    'bias_initializer': uniform(-bound, bound),
  }
