"""Layouts of hand-built graphs, known from how they were built."""

import numpy as np
import pytest
import small_models
import tensorflow as tf

from flsec.models import layer_weights, layout_builder
from flsec.models.layout import Span

layers = tf.keras.layers
build = layout_builder.build_layout


def facts(layout, attribute):
  return {layer.name: getattr(layer, attribute) for layer in layout.layers}


def chain(*parts, input_shape=(8, 8, 2)):
  """A functional model of layers one after the other."""
  x = inputs = tf.keras.Input(input_shape)
  for part in parts:
    x = part(x)
  return tf.keras.Model(inputs, x)


class TestConvolutional:
  layout = build(small_models.convolutional(layers.BatchNormalization))

  def test_spans_follow_each_other_in_keras_order(self):
    assert self.layout['conv1'].spans == {
      'kernel': Span(0, (3, 3, 2, 4)),
      'bias': Span(72, (4,)),
    }
    assert self.layout['norm1'].spans == {
      'gamma': Span(76, (4,)),
      'beta': Span(80, (4,)),
      'moving_mean': Span(84, (4,)),
      'moving_variance': Span(88, (4,)),
    }
    assert self.layout['conv2'].kernel.start == 92
    assert self.layout.size == self.layout['logits'].bias.stop

  def test_kinds_and_units(self):
    assert facts(self.layout, 'kind') == {
      'conv1': 'conv',
      'norm1': 'norm',
      'conv2': 'conv',
      'norm2': 'norm',
      'dense': 'dense',
      'logits': 'dense',
    }
    units = facts(self.layout, 'units')
    assert list(units.values()) == [4, 4, 6, 6, 5, 3]

  def test_consumers_norms_and_activations(self):
    consumers = facts(self.layout, 'consumers')
    assert consumers['conv1'] == ('conv2',)
    assert consumers['conv2'] == ('dense',)
    assert consumers['dense'] == ('logits',)
    assert consumers['logits'] == ()
    norms = facts(self.layout, 'norms')
    assert norms['conv1'] == ('norm1',)
    assert norms['conv2'] == ('norm2',)
    assert norms['dense'] == ()
    activations = facts(self.layout, 'activation')
    assert activations['conv1'] == activations['dense'] == 'relu'
    assert activations['logits'] == activations['norm1'] == 'linear'
    assert self.layout.output == 'logits'

  def test_a_flatten_lays_out_positions(self):
    positions = facts(self.layout, 'positions')
    assert positions['conv2'] == 9
    assert positions['conv1'] == positions['dense'] == 1
    assert self.layout['dense'].kernel.shape == (9 * 6, 5)

  def test_nothing_is_tied(self):
    assert set(facts(self.layout, 'tied').values()) == {()}


class TestResidual:
  layout = build(small_models.residual())

  def test_layers_that_an_addition_joins_are_tied(self):
    tied = facts(self.layout, 'tied')
    assert tied['stem'] == tied['second'] == ('stem', 'second')
    assert set(tied['third']) == {'projection', 'third'}
    assert tied['inner'] == tied['logits'] == ()

  def test_consumers_reach_through_additions(self):
    consumers = facts(self.layout, 'consumers')
    assert set(consumers['stem']) == {'inner', 'projection', 'third'}
    assert set(consumers['second']) == {'projection', 'third'}
    assert consumers['inner'] == ('second',)
    assert consumers['third'] == consumers['projection'] == ('logits',)

  def test_the_activation_may_follow_the_addition(self):
    activations = facts(self.layout, 'activation')
    assert activations['second'] == activations['third'] == 'relu'
    assert activations['inner'] == 'relu'

  def test_pooling_over_all_positions_leaves_one(self):
    assert self.layout['third'].positions == 1


def test_additions_in_a_row_tie_one_group():
  x = inputs = tf.keras.Input((6, 6, 4))
  convs = [layers.Conv2D(4, 1, name=f'conv{i}') for i in range(3)]
  x = convs[0](x)
  for conv in convs[1:]:
    x = layers.Add()([x, conv(x)])
  x = layers.BatchNormalization(name='norm')(x)
  x = layers.Dense(2, name='out')(layers.GlobalMaxPooling2D()(x))
  layout = build(tf.keras.Model(inputs, x))
  names = ('conv0', 'conv1', 'conv2')
  for name in names:
    assert layout[name].tied == names
    assert layout[name].norms == ('norm',)


def test_an_addition_with_the_input_ties_what_is_known():
  x = inputs = tf.keras.Input((6, 6, 4))
  x = layers.Add()([layers.Conv2D(4, 1, name='conv')(x), x])
  x = layers.Dense(2, name='out')(layers.Flatten()(x))
  layout = build(tf.keras.Model(inputs, x))
  assert layout['conv'].tied == ('conv',)
  assert layout['conv'].positions == 36


@pytest.mark.parametrize(
  ('behind', 'expected'),
  [
    ([], 'linear'),
    ([layers.Activation('tanh')], 'tanh'),
    ([layers.ReLU()], 'relu'),
    ([layers.Softmax()], 'softmax'),
    ([layers.Dropout(0.5), layers.Activation('sigmoid')], 'sigmoid'),
    ([layers.LayerNormalization(), layers.Activation('gelu')], 'gelu'),
  ],
)
def test_the_activation_may_be_a_layer(behind, expected):
  first = layers.Dense(4, name='first')
  layout = build(chain(first, *behind, layers.Dense(2), input_shape=(3,)))
  assert layout['first'].activation == expected


def test_pooling_padding_and_upsampling_keep_channels():
  layout = build(
    chain(
      layers.Conv2D(4, 3, name='first'),
      layers.ZeroPadding2D(),
      layers.AveragePooling2D(),
      layers.UpSampling2D(),
      layers.Conv2D(5, 3, name='second'),
      layers.Flatten(),
      layers.Dropout(0.2),
      layers.Dense(3, name='out'),
    )
  )
  assert layout['first'].consumers == ('second',)
  assert layout['second'].positions == 36


def test_signals_may_be_one_dimensional():
  layout = build(
    chain(
      layers.Conv1D(4, 3, name='first'),
      layers.MaxPooling1D(),
      layers.Flatten(),
      layers.Dense(3, name='out'),
      input_shape=(10, 2),
    )
  )
  assert layout['first'].kernel.shape == (3, 2, 4)
  assert layout['first'].positions == 4


def test_a_convolution_may_make_the_logits():
  layout = build(
    chain(layers.Conv2D(3, 1, name='out'), layers.GlobalAveragePooling2D())
  )
  assert layout.output == 'out'
  assert layout['out'].consumers == ()


class TestSequential:
  def test_is_read_like_a_functional_model(self):
    parts = lambda: [
      layers.Conv2D(4, 3, activation='relu', name='conv'),
      layers.Flatten(),
      layers.Dense(3, name='out'),
    ]
    sequential = tf.keras.Sequential([tf.keras.Input((8, 8, 2)), *parts()])
    assert build(sequential) == build(chain(*parts()))

  def test_needs_an_input(self):
    with pytest.raises(ValueError, match='starts with an Input'):
      build(tf.keras.Sequential([layers.Dense(3)]))


def test_layers_may_serve_another_model_too():
  first, out = layers.Dense(4, name='first'), layers.Dense(2, name='out')
  chain(first, input_shape=(3,))
  layout = build(chain(first, out, input_shape=(3,)))
  assert layout['first'].consumers == ('out',)


class TestRefusals:
  def refuses(self, model, message):
    with pytest.raises(ValueError, match=message):
      build(model)

  def test_a_nested_model(self):
    inner = chain(layers.Dense(4), input_shape=(3,))
    outer = chain(inner, layers.Dense(2), input_shape=(3,))
    self.refuses(outer, r'nests the model .* Call its layers')

  def test_a_layer_used_twice(self):
    shared = layers.Dense(3, name='shared')
    model = chain(shared, shared, input_shape=(3,))
    self.refuses(model, r"'shared' is used 2 times")

  def test_a_concatenation(self):
    x = inputs = tf.keras.Input((3,))
    both = [layers.Dense(2)(x), layers.Dense(2)(x)]
    x = layers.Dense(2)(layers.Concatenate(name='both')(both))
    self.refuses(
      tf.keras.Model(inputs, x), r"'both' \(Concatenate\) merges several"
    )

  @pytest.mark.parametrize(
    ('layer', 'message'),
    [
      (layers.LeakyReLU(name='odd'), r"'odd' \(LeakyReLU\) is none"),
      (layers.Permute((2, 1, 3), name='odd'), r"'odd' \(Permute\) is none"),
      (layers.PReLU(name='odd'), "'odd' has weights but is a PReLU"),
      (layers.DepthwiseConv2D(3, name='odd'), 'is a DepthwiseConv2D'),
      (layers.Conv2DTranspose(4, 3, name='odd'), 'is a Conv2DTranspose'),
      (layers.Conv2D(4, 3, groups=2, name='odd'), 'without groups'),
    ],
  )
  def test_a_layer_whose_units_cannot_be_followed(self, layer, message):
    parts = [layers.Conv2D(4, 3), layer, layers.Flatten(), layers.Dense(2)]
    self.refuses(chain(*parts), message)

  def test_two_outputs(self):
    inputs = tf.keras.Input((3,))
    outputs = [layers.Dense(2, name=name)(inputs) for name in 'ab']
    self.refuses(tf.keras.Model(inputs, outputs), r'must end in one Dense')

  def test_a_sum_as_output(self):
    inputs = tf.keras.Input((3,))
    outputs = [layers.Dense(2, name=name)(inputs) for name in 'ab']
    model = tf.keras.Model(inputs, layers.Add()(outputs))
    self.refuses(model, r"outputs come from \['a', 'b'\]")


class TestWeightAttributes:
  def test_are_in_the_order_of_the_weights(self):
    layer = layers.BatchNormalization()
    layer.build((None, 3))
    assert layer_weights.weight_attributes(layer) == [
      'gamma',
      'beta',
      'moving_mean',
      'moving_variance',
    ]

  def test_a_weight_in_no_attribute_is_refused(self):
    class Hidden(layers.Layer):
      def build(self, input_shape):
        self.add_weight(name='secret', shape=(2,))

    layer = Hidden(name='hidden')
    layer.build((None, 3))
    with pytest.raises(ValueError, match=r"'hidden' .* keeps the weight"):
      layer_weights.weight_attributes(layer)


def test_spans_lay_out_the_vector_of_get_weights():
  model = small_models.residual()
  layout = build(model)
  vector = np.concatenate([np.ravel(w) for w in model.get_weights()])
  kernel = layout['projection'].kernel
  np.testing.assert_array_equal(
    vector[kernel.start : kernel.stop].reshape(kernel.shape),
    model.get_layer('projection').kernel,
  )
