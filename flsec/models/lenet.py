"""LeNet-5 (LeCun et al., Proc. IEEE 1998) with ReLU and max pooling."""

import tensorflow as tf

from flsec import registry


@registry.model('lenet5', paper='LeCun et al., Proc. IEEE 1998')
def lenet5(
  *,
  input_shape: tuple,
  num_classes: int,
  padding: str = 'valid',
) -> tf.keras.Model:
  """LeNet-5: two 5x5 convolutions (6, 16 filters), then 120, 84 units.

  Args:
    input_shape: (height, width, channels) of an example.
    num_classes: length of the logits.
    padding: of the first convolution. On 28x28x1 images and 10 classes
      'valid' has 44,426 weights (FLAP's), 'same' (the original's 32x32 input)
      61,706 (FedER's CNN).

  Returns:
    A functional Keras model that ends in logits.

  Raises:
    ValueError: an unknown padding, or images smaller than the kernels.
  """
  if padding not in ('valid', 'same'):
    raise ValueError(f"padding is 'valid' or 'same'; got {padding!r}.")
  smallest = 16 if padding == 'valid' else 12
  if len(input_shape) != 3 or min(input_shape[:2]) < smallest:
    raise ValueError(
      f'lenet5 with padding={padding!r} takes images of at least '
      f'{smallest}x{smallest}; got input_shape={tuple(input_shape)}.'
    )
  layers = tf.keras.layers
  x = inputs = tf.keras.Input(input_shape)
  x = layers.Conv2D(6, 5, padding=padding, activation='relu', name='conv1')(x)
  x = layers.MaxPooling2D(name='pool1')(x)
  x = layers.Conv2D(16, 5, activation='relu', name='conv2')(x)
  x = layers.MaxPooling2D(name='pool2')(x)
  x = layers.Flatten(name='flatten')(x)
  x = layers.Dense(120, activation='relu', name='dense1')(x)
  x = layers.Dense(84, activation='relu', name='dense2')(x)
  x = layers.Dense(num_classes, name='logits')(x)
  return tf.keras.Model(inputs, x, name='lenet5')
