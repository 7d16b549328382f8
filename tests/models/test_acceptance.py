"""What a Keras model asks for and would not get is refused, in one line."""

import numpy as np
import pytest
import small_models
import tensorflow as tf
from absl import logging

from flsec.models.flat import FlatModel

layers = tf.keras.layers


def chain(*parts, shape=(4, 4, 2), **options):
  inputs = tf.keras.Input(shape, **options)
  x = inputs
  for part in (*parts, layers.Flatten(), layers.Dense(3, name='logits')):
    x = part(x)
  return tf.keras.Model(inputs, x)


def refuses(model, message):
  with pytest.raises(ValueError, match=message) as caught:
    FlatModel(model)
  assert '\n' not in str(caught.value)


@pytest.mark.parametrize('model', [None, 'lenet', layers.Dense(3), [1]])
def test_what_is_no_model(model):
  refuses(model, rf'Expected a tf.keras.Model; got {type(model).__name__}')


class TestEnds:
  def test_two_inputs(self):
    inputs = [tf.keras.Input((3,), name=name) for name in 'ab']
    x = layers.Dense(2)(layers.Add()(inputs))
    refuses(tf.keras.Model(inputs, x), r'2 input tensors \(a, b\)')

  def test_two_outputs(self):
    inputs = tf.keras.Input((3,))
    outputs = [layers.Dense(2, name=name)(inputs) for name in 'ab']
    refuses(tf.keras.Model(inputs, outputs), r'2 output tensors \(a, b\)')

  @pytest.mark.parametrize('is_output', [False, True])
  def test_a_dict(self, is_output):
    inputs = tf.keras.Input((3,))
    x = layers.Dense(2)(inputs)
    if is_output:
      model = tf.keras.Model(inputs, {'y': x})
    else:
      model = tf.keras.Model({'x': inputs}, x)
    refuses(model, r'tensors \(\w+, in a dict\)')

  def test_a_list_of_one_is_no_list(self):
    inputs = tf.keras.Input((3,))
    model = tf.keras.Model([inputs], [layers.Dense(2)(inputs)])
    logits = FlatModel(model).logits(tf.zeros([8]), tf.ones([5, 3]))
    assert logits.shape == [5, 2]

  @pytest.mark.parametrize(
    ('shape', 'options'),
    [((None, 4, 2), {}), ((4, 4, 2), {'batch_size': 8})],
  )
  def test_a_shape_that_is_not_that_of_an_example(self, shape, options):
    inputs = tf.keras.Input(shape, **options)
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(3, 3)(inputs))
    refuses(
      tf.keras.Model(inputs, layers.Dense(3)(x)),
      'shape of an example has to be fixed, the batch size free',
    )

  @pytest.mark.parametrize('dtype', ['uint8', 'int32', 'float64'])
  def test_inputs_of_another_type(self, dtype):
    refuses(
      chain(layers.Rescaling(1 / 255), dtype=dtype),
      f'takes {dtype} inputs; flsec feeds float32',
    )

  def test_probabilities(self):
    x = inputs = tf.keras.Input((4,))
    x = layers.Activation('softmax', name='end')(layers.Dense(3)(x))
    refuses(tf.keras.Model(inputs, layers.Dropout(0.1)(x)), r'ends in softmax')

  def test_a_softmax_within_is_taken(self):
    x = inputs = tf.keras.Input((4,))
    x = layers.Dense(5, activation='softmax')(x)
    assert (
      FlatModel(tf.keras.Model(inputs, layers.Dense(3)(x))).num_classes == 3
    )


class Loss(layers.Layer):
  def call(self, inputs):
    self.add_loss(tf.reduce_mean(inputs))
    return inputs


class Counting(layers.Layer):
  def build(self, input_shape):
    self.count = self.add_weight('count', (), tf.int32, trainable=False)

  def call(self, inputs):
    return inputs


class OwnNorm(layers.BatchNormalization):
  pass


@pytest.mark.parametrize(
  ('layer', 'message'),
  [
    (
      lambda: layers.Conv2D(3, 3, kernel_constraint='non_neg', name='odd'),
      r"'odd' \(Conv2D\) has a constraint on its kernel.* Leave it out",
    ),
    (
      lambda: layers.Conv2D(3, 3, bias_constraint='max_norm', name='odd'),
      "'odd' .* constraint on its bias",
    ),
    (
      lambda: layers.Conv2D(3, 3, activity_regularizer='l2', name='odd'),
      "'odd' .* has an activity_regularizer",
    ),
    (
      lambda: layers.ActivityRegularization(0.1, name='odd'),
      "'odd' .* activity_regularizer",
    ),
    (lambda: Loss(name='odd'), "'odd' .* adds a loss of its own"),
    (lambda: Counting(name='odd'), "'odd' .* keeps int32 numbers"),
    (
      lambda: layers.Conv2D(3, 3, dtype='float16', name='odd'),
      "'odd' .* computes in float16",
    ),
    (
      lambda: layers.Conv2D(3, 3, dtype='mixed_bfloat16', name='odd'),
      "'odd' .* bfloat16 on float32.* runtime.mixed_precision",
    ),
    (
      lambda: layers.Conv2D(3, 3, dtype='float64', name='odd'),
      "'odd' .* computes in float64",
    ),
    (
      lambda: layers.MaxPooling2D(data_format='channels_first', name='odd'),
      "'odd' .* is channels_first",
    ),
    (
      lambda: OwnNorm(name='odd'),
      "'odd' .* normalises batches in a way of its",
    ),
    (lambda: layers.LSTM(4, name='odd'), "'odd' "),
    (lambda: layers.Normalization(name='odd'), "'odd' .* keeps int"),
  ],
)
def test_a_layer_that_would_not_be_honoured(layer, message):
  layer = layer()
  shape = (4, 2) if isinstance(layer, layers.LSTM) else (4, 4, 2)
  refuses(chain(layer, shape=shape), message)


def test_a_loss_of_the_model():
  model = chain()
  model.add_loss(lambda: tf.reduce_sum(model.layers[-1].kernel))
  refuses(model, 'adds a loss of its own')
  inputs = tf.keras.Input((4,))
  x = layers.Dense(3)(inputs)
  model = tf.keras.Model(inputs, x)
  model.add_loss(tf.reduce_sum(x))
  refuses(model, 'adds a loss of its own')


def test_weights_that_two_layers_share():
  first, second = layers.Dense(4, name='first'), layers.Dense(4, name='second')
  x = inputs = tf.keras.Input((4,))
  x = layers.Dense(3)(second(first(x)))
  second.kernel = first.kernel
  second._trainable_weights[0] = first.kernel
  refuses(tf.keras.Model(inputs, x), r"'second' .* shares the weight .*'first'")


@pytest.mark.parametrize(
  ('shape', 'parts'),
  [
    ((12,), lambda: [layers.Flatten()]),
    ((12,), lambda: [layers.Flatten(), layers.Flatten()]),
    ((2, 3, 2), lambda: [layers.Flatten(), layers.Reshape((12,))]),
    ((2, 3, 2), lambda: [layers.Reshape((2, 3, 2)), layers.Identity()]),
    ((2, 3, 2), lambda: [layers.Permute((1, 2, 3)), layers.Dropout(0.0)]),
    ((2, 3, 2), lambda: [layers.Activation('linear'), layers.Rescaling(1.0)]),
    ((2, 3, 2), lambda: [layers.ZeroPadding2D(0), layers.UpSampling2D(1)]),
  ],
)
@pytest.mark.parametrize('sequential', [False, True])
def test_layers_that_do_nothing_are_taken(shape, parts, sequential):
  if sequential:
    ends = layers.Flatten(), layers.Dense(3)
    model = tf.keras.Sequential([tf.keras.Input(shape), *parts(), *ends])
  else:
    model = chain(*parts(), shape=shape)
  flat = FlatModel(model)
  weights = small_models.random_weights(12 * 3 + 3)
  x = np.random.default_rng(0).normal(size=(5, *shape)).astype(np.float32)
  np.testing.assert_allclose(
    flat.logits(weights, x),
    x.reshape(5, 12) @ weights[:36].reshape(12, 3) + weights[36:],
    rtol=1e-4,
    atol=1e-5,
  )


@pytest.mark.parametrize(
  ('parts', 'positions'),
  [
    ([layers.Flatten(), layers.Flatten()], 4),
    ([layers.Reshape((8,))], 4),
    ([layers.Reshape((4, 2)), layers.Flatten()], 4),
    ([layers.Flatten(), layers.Reshape((8,)), layers.Identity()], 4),
    ([layers.GlobalAveragePooling2D(), layers.Flatten()], 1),
  ],
)
def test_units_are_followed_through_layers_that_lay_out(parts, positions):
  x = inputs = tf.keras.Input((4, 4, 2))
  x = layers.Conv2D(2, 3, name='conv')(x)
  for part in parts:
    x = part(x)
  model = tf.keras.Model(inputs, layers.Dense(3, name='logits')(x))
  conv = FlatModel(model).layout['conv']
  assert (conv.consumers, conv.positions) == (('logits',), positions)


def test_a_reshape_that_mixes_units_is_refused():
  x = inputs = tf.keras.Input((4, 4, 2))
  x = layers.Reshape((2, 4), name='odd')(layers.Conv2D(2, 3)(x))
  x = layers.Dense(3)(layers.Flatten()(x))
  refuses(tf.keras.Model(inputs, x), r"'odd' \(Reshape\) is none")


def test_a_compiled_model_is_warned_of(monkeypatch):
  said = []
  monkeypatch.setattr(logging, 'warning', lambda *a: said.append(a[0] % a[1:]))
  model = chain()
  FlatModel(model)
  assert not said
  model.compile('adam', 'mse')
  FlatModel(model)
  assert 'is compiled; its optimizer and loss are not used' in said[0]


def test_a_kept_activation_is_the_function_itself():
  cube = lambda x: x**3
  x = inputs = tf.keras.Input((2,))
  x = layers.Dense(2, activation=cube)(x)
  model = FlatModel(tf.keras.Model(inputs, layers.Dense(2, use_bias=False)(x)))
  weights = tf.constant([1.0, 0, 0, 2, 0, 0, 1, 0, 0, 1])
  np.testing.assert_allclose(
    model.logits(weights, tf.constant([[2.0, 3.0]])), [[8.0, 216.0]]
  )
