"""Keras models small enough for a test, one for each thing that can differ."""

import numpy as np
import tensorflow as tf

layers = tf.keras.layers


def perceptron(dropout=0.0):
  """5 inputs, 4 hidden units, 3 classes."""
  x = inputs = tf.keras.Input((5,))
  x = layers.Dense(4, activation='tanh', name='hidden')(x)
  if dropout:
    x = layers.Dropout(dropout, name='drop')(x)
  return tf.keras.Model(inputs, layers.Dense(3, name='logits')(x))


def convolutional(norm=None):
  """Two convolutions on 6x6x2 images, norms behind both, two dense layers."""
  x = inputs = tf.keras.Input((6, 6, 2))
  for index, filters in enumerate((4, 6), start=1):
    x = layers.Conv2D(filters, 3, padding='same', name=f'conv{index}')(x)
    if norm:
      x = norm(name=f'norm{index}')(x)
    x = layers.Activation('relu', name=f'relu{index}')(x)
    x = layers.MaxPooling2D(name=f'pool{index}')(x) if index == 1 else x
  x = layers.Flatten(name='flatten')(x)
  x = layers.Dense(5, activation='relu', name='dense')(x)
  return tf.keras.Model(inputs, layers.Dense(3, name='logits')(x))


def normalised_perceptron(norm):
  """A dense layer with a norm behind it."""
  x = inputs = tf.keras.Input((5,))
  x = layers.ReLU()(norm(name='norm')(layers.Dense(4, name='hidden')(x)))
  return tf.keras.Model(inputs, layers.Dense(3, name='logits')(x))


def residual():
  """A stem and two blocks: an identity shortcut, then a projected one."""
  x = inputs = tf.keras.Input((6, 6, 2))
  x = stem = layers.Conv2D(4, 3, padding='same', name='stem')(x)
  x = layers.Conv2D(5, 3, padding='same', activation='relu', name='inner')(x)
  x = layers.Conv2D(4, 3, padding='same', name='second')(x)
  x = layers.ReLU(name='after')(layers.Add(name='add')([x, stem]))
  y = layers.Conv2D(6, 1, 2, name='projection')(x)
  x = layers.Conv2D(6, 3, 2, padding='same', name='third')(x)
  x = layers.ReLU()(layers.Add(name='add2')([x, y]))
  x = layers.GlobalAveragePooling2D(name='pool')(x)
  return tf.keras.Model(inputs, layers.Dense(3, name='logits')(x))


def random_weights(size, seed=0):
  """Weights near 0.3, so that variances and scales are positive."""
  generator = np.random.default_rng(seed)
  return generator.uniform(0.05, 0.6, size=size).astype(
    np.float32
  ) * generator.choice([1, 1, 1, -1], size=size).astype(np.float32)


def batch(model, size=7, seed=1):
  """Model inputs and labels."""
  generator = np.random.default_rng(seed)
  x = generator.normal(size=[size, *model.input_shape]).astype(np.float32)
  y = generator.integers(model.num_classes, size=size).astype(np.int32)
  return tf.constant(x), tf.constant(y)
