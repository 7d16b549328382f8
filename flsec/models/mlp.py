"""Multi-layer perceptrons."""

from collections.abc import Sequence
from typing import Optional

import tensorflow as tf

from flsec import registry
from flsec.models.standardized import Moment, standardized


@registry.model('mlp', paper='Meng et al., ICICS 2023')
def mlp(
  *,
  input_shape: tuple,
  num_classes: int,
  hidden: Sequence[int] = (500, 150),
  activation: str = 'relu',
  dropout: float = 0.0,
  standardize: Optional[Sequence[Moment]] = None,
) -> tf.keras.Model:
  """Multi-layer perceptron: Flatten, then the hidden layers, then logits.

  FLAP's "five-layer MLP" is input, Flatten, 500, 150 and the output layer. The
  hybrid sparse attack has `hidden: [512], dropout: 0.2` on MNIST. AGRAMPLIFIER
  has `hidden: [512]` on MNIST and LOCATION30 and [1024] on PURCHASE100,
  TEXAS100 and CIFAR-10's features; its scripts run [n, 2 n].

  Args:
    input_shape: of an example; images are flattened.
    num_classes: length of the logits.
    hidden: units of each hidden layer.
    activation: Keras name of the hidden layers' activation.
    dropout: share of units dropped after each hidden layer, in [0, 1).
    standardize: (mean, deviation) of the inputs' entries, such as (0.1307,
      0.3081), which is (x - mean) / deviation; None: x as it is.

  Returns:
    A functional Keras model that ends in logits.

  Raises:
    ValueError: a width below 1, a dropout outside [0, 1), or a deviation that
      is not above 0.
  """
  if any(units < 1 for units in hidden):
    raise ValueError(f'hidden widths must be at least 1; got {list(hidden)}.')
  if not 0.0 <= dropout < 1.0:
    raise ValueError(f'dropout must be in [0, 1); got {dropout}.')
  layers = tf.keras.layers
  inputs = tf.keras.Input(input_shape)
  x = standardized('mlp', inputs, standardize)
  x = layers.Flatten(name='flatten')(x)
  for index, units in enumerate(hidden, start=1):
    x = layers.Dense(units, activation=activation, name=f'dense{index}')(x)
    if dropout:
      x = layers.Dropout(dropout, name=f'dropout{index}')(x)
  x = layers.Dense(num_classes, name='logits')(x)
  return tf.keras.Model(inputs, x, name='mlp')
