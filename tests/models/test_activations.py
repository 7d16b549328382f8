"""What a layer does to its numbers, by name and by what comes out."""

import pytest
import tensorflow as tf

from flsec.models import activations

layers = tf.keras.layers


def relu(x):
  return tf.sin(x)


@pytest.mark.parametrize(
  ('layer', 'name'),
  [
    (layers.Dense(3), None),
    (layers.Dense(3, activation='tanh'), 'tanh'),
    (layers.Dense(3, activation=tf.nn.tanh), 'tanh'),
    (layers.Activation('linear'), None),
    (layers.ReLU(), 'relu'),
    (layers.ReLU(6), 'relu6'),
    (
      layers.ReLU(negative_slope=0.1),
      'relu(negative_slope=0.1, threshold=0)',
    ),
    (layers.Softmax(), 'softmax'),
    (layers.Flatten(), None),
    (layers.Dense(3, activation=relu), f'relu of {__name__}'),
  ],
)
def test_name(layer, name):
  assert activations.name_of(layer) == name


@pytest.mark.parametrize(
  'layer',
  [
    layers.Dense(3, activation='softmax', name='end'),
    layers.Dense(3, activation='sigmoid', name='end'),
    layers.Dense(3, activation='hard_sigmoid', name='end'),
    layers.Dense(3, activation=tf.nn.softmax, name='end'),
    layers.Dense(3, activation=lambda x: tf.nn.softmax(x / 2), name='end'),
    layers.Activation('softmax', name='end'),
    layers.Softmax(name='end'),
  ],
)
def test_probabilities_are_refused(layer):
  with pytest.raises(ValueError, match=r"'end'.* Leave that activation out"):
    activations.check_logits(layer)


@pytest.mark.parametrize(
  'layer',
  [
    layers.Dense(3),
    layers.Dense(3, activation='relu'),
    layers.Dense(3, activation='tanh'),
    layers.Dense(3, activation=tf.nn.log_softmax),
    layers.Dense(3, activation='softplus'),
    layers.Flatten(),
    layers.BatchNormalization(),
  ],
)
def test_logits_are_taken(layer):
  activations.check_logits(layer)
