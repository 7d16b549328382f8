"""A plug-in: data sets, models, rules and attacks as people bring them."""

import numpy as np
import tensorflow as tf

from flsec import registry
from flsec.aggregators.rule import stateless
from flsec.attacks.attack import Attack
from flsec.data.dataset import Dataset

layers = tf.keras.layers


def _features(num_train=60, num_test=30):
  generator = np.random.default_rng(0)
  x = generator.uniform(size=(num_train + num_test, 6)).astype('float32')
  y = (np.arange(len(x)) % 3).astype('int32')
  return x[:num_train], y[:num_train], x[num_train:], y[num_train:]


def _dataset(name, change=lambda *arrays: arrays, **options):
  return Dataset(name, *change(*_features()), 3, **options)


@registry.dataset('features')
def features(data_dir: str) -> Dataset:
  """Nothing is wrong with these."""
  return _dataset('features')


@registry.dataset('text')
def text(data_dir: str) -> Dataset:
  """Labels are text."""
  return _dataset('text', lambda x, y, u, v: (x, y.astype(str), u, v))


@registry.dataset('hole')
def hole(data_dir: str) -> Dataset:
  """A cell is empty."""

  def change(x, y, u, v):
    x[7, 2] = np.nan
    return x, y, u, v

  return _dataset('hole', change)


@registry.dataset('no_file')
def no_file(data_dir: str) -> Dataset:
  """Its file is not there."""
  return Dataset('no_file', *np.load('absent_file.npy'), 3)


@registry.dataset('wrong_code')
def wrong_code(data_dir: str) -> Dataset:
  """Its own code has a fault."""
  return Dataset('wrong_code', *_features(), {}['classes'])


@registry.dataset('no_dataset')
def no_dataset(data_dir: str) -> Dataset:
  """Returns arrays alone."""
  return _features()


def _perceptron(x, num_classes, **options):
  inputs = tf.keras.Input(x)
  hidden = layers.Dense(5, activation='relu', name='hidden')(inputs)
  out = layers.Dense(num_classes, name='logits', **options)(hidden)
  return tf.keras.Model(inputs, out)


@registry.model('plain')
def plain(*, input_shape: tuple, num_classes: int) -> tf.keras.Model:
  """Nothing is wrong with it."""
  return _perceptron(input_shape, num_classes)


@registry.model('set')
def set_beforehand(*, input_shape: tuple, num_classes: int) -> tf.keras.Model:
  """All weights are 0.25."""
  model = _perceptron(input_shape, num_classes)
  model.set_weights([np.full_like(w, 0.25) for w in model.get_weights()])
  return model


@registry.model('frozen')
def frozen(*, input_shape: tuple, num_classes: int) -> tf.keras.Model:
  """The hidden layer is frozen, as it was drawn."""
  model = _perceptron(input_shape, num_classes)
  model.get_layer('hidden').trainable = False
  return model


@registry.model('decayed')
def decayed(*, input_shape: tuple, num_classes: int) -> tf.keras.Model:
  """The loss counts 1000 times the squares of the last kernel."""
  return _perceptron(
    input_shape, num_classes, kernel_regularizer=tf.keras.regularizers.L2(1e3)
  )


@registry.model('softmax')
def softmax(*, input_shape: tuple, num_classes: int) -> tf.keras.Model:
  """Ends in probabilities."""
  return _perceptron(input_shape, num_classes, activation='softmax')


@registry.model('two_inputs')
def two_inputs(*, input_shape: tuple, num_classes: int) -> tf.keras.Model:
  """Two inputs."""
  inputs = [tf.keras.Input(input_shape) for _ in range(2)]
  return tf.keras.Model(inputs, layers.Dense(num_classes)(layers.Add()(inputs)))


@registry.model('too_many_dimensions')
def too_many_dimensions(*, input_shape: tuple, num_classes: int):
  """Keras itself refuses its second layer."""
  inputs = tf.keras.Input(input_shape)
  x = layers.Conv2D(3, 3)(inputs)
  return tf.keras.Model(inputs, layers.Dense(num_classes)(x))


@registry.model('other_shape')
def other_shape(*, input_shape: tuple, num_classes: int) -> tf.keras.Model:
  """Reads examples of another shape."""
  return _perceptron((7,), num_classes)


@registry.model('other_classes')
def other_classes(*, input_shape: tuple, num_classes: int) -> tf.keras.Model:
  """Has a logit too many."""
  return _perceptron(input_shape, num_classes + 1)


@registry.model('unflattened')
def unflattened(*, input_shape: tuple, num_classes: int) -> tf.keras.Model:
  """Has logits at two positions."""
  inputs = tf.keras.Input(input_shape)
  x = layers.Reshape((2, 3))(inputs)
  return tf.keras.Model(inputs, layers.Dense(num_classes)(x))


@registry.model('nothing')
def nothing(*, input_shape: tuple, num_classes: int) -> None:
  """Forgets to return its model."""


@registry.aggregator('misshapen')
def misshapen():
  """Returns a result of another size."""

  def aggregate(updates, weights, context):
    return updates[0, :3], {'selected': weights}

  return stateless('misshapen', aggregate)


@registry.aggregator('misnamed')
def misnamed():
  """Takes other arguments than a rule is given."""
  return stateless('misnamed', lambda updates: (updates[0], {}))


@registry.aggregator('no_rule')
def no_rule():
  """Returns no rule."""
  return lambda updates: updates[0]


@registry.attack('faulty')
def faulty() -> Attack:
  """Its craft divides by a tensor of another shape."""
  return Attack('faulty', craft=lambda own, benign, context: own / benign.odd)
