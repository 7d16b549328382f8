"""Code of a user's own in a model: taken where it is a pure function."""

import numpy as np
import pytest
import tensorflow as tf

from flsec.models.flat import FlatModel

layers = tf.keras.layers


def chain(*parts):
  x = inputs = tf.keras.Input((2, 3))
  for part in (*parts, layers.Flatten(), layers.Dense(2, name='logits')):
    x = part(x)
  return tf.keras.Model(inputs, x, name='own')


class Doubled(layers.Layer):
  def call(self, inputs):
    return 2.0 * inputs


class Options(layers.Layer):
  def __init__(self, factor):
    super().__init__()
    self.factor = tf.constant(factor, tf.float32)

  def call(self, inputs):
    return self.factor * inputs


class Drawing(layers.Layer):
  def call(self, inputs):
    return inputs + tf.random.normal(tf.shape(inputs))


class Counting(layers.Layer):
  def __init__(self, **options):
    super().__init__(**options)
    self.calls = tf.Variable(0.0, trainable=False)

  def call(self, inputs):
    self.calls.assign_add(1.0)
    return inputs


class Python(layers.Layer):
  def call(self, inputs):
    doubled = tf.numpy_function(lambda x: 2 * x, [inputs], tf.float32)
    return tf.ensure_shape(doubled, inputs.shape)


class Fixed(layers.Layer):
  """Keeps what it first saw of its weight, as Keras' Normalization does."""

  def build(self, input_shape):
    self.shift = self.add_weight('shift', (3,), trainable=False)

  def call(self, inputs):
    if not hasattr(self, 'kept'):
      with tf.init_scope():
        self.kept = self.shift.numpy() + self.offset
    return inputs + self.kept

  offset = 0.0


outside = tf.Variable(3.0)


@pytest.mark.parametrize(
  'part',
  [
    Doubled(),
    layers.Lambda(lambda x: 2.0 * x),
    lambda x: x * 2.0,
    layers.Activation(lambda x: x + x),
  ],
)
def test_pure_code_is_run(part):
  model = FlatModel(chain(part))
  found = model.logits(tf.ones([14]), tf.ones([1, 2, 3]))
  np.testing.assert_allclose(found, [[13.0, 13.0]])


def test_a_lambda_finds_what_it_refers_to():
  factor = 3.0
  model = FlatModel(chain(layers.Lambda(lambda x: tf.abs(x) * factor)))
  found = model.logits(tf.ones([14]), -tf.ones([1, 2, 3]))
  np.testing.assert_allclose(found, [[19.0, 19.0]])


@pytest.mark.parametrize(
  ('part', 'message'),
  [
    (Drawing(), 'runs RandomStandardNormal'),
    (layers.Lambda(lambda x: x + tf.random.uniform([])), 'runs RandomUniform'),
    (layers.Lambda(lambda x: x * outside), 'runs .*ReadVariableOp'),
    (
      layers.Activation(lambda x: x * tf.random.uniform([], seed=1)),
      'runs RandomUniform',
    ),
    (Python(), 'runs PyFunc'),
    (Counting(), "'own' (runs|cannot be run)"),
    (Options(np.array(2.0)), r'\(Options\) cannot be cloned'),
  ],
  ids=[
    'draws',
    'lambda',
    'variable',
    'activation',
    'python',
    'state',
    'config',
  ],
)
def test_what_could_not_be_repeated_is_refused(part, message):
  model = chain(part)
  with pytest.raises(ValueError, match=message) as caught:
    FlatModel(model)
  assert '\n' not in str(caught.value)


def test_numbers_that_are_no_weight_of_the_layer_are_found_out(monkeypatch):
  model = chain(Fixed())
  # The clone, which is made later, keeps something else.
  monkeypatch.setattr(Fixed, 'offset', 1.0)
  with pytest.raises(ValueError, match='computes something else'):
    FlatModel(model)
