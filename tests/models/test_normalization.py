"""The normalisation that an option chooses."""

import pytest
import tensorflow as tf

from flsec.models import normalization


@pytest.mark.parametrize(
  ('channels', 'groups'), [(64, 8), (16, 8), (20, 4), (6, 2), (3, 1), (1, 1)]
)
def test_groups_divide_the_channels(channels, groups):
  x = tf.keras.Input((4, 4, channels))
  outputs = normalization.normalized(x, 'group', 'norm')
  model = tf.keras.Model(x, outputs)
  assert model.get_layer('norm').groups == groups


def test_batch_statistics_forget_within_a_few_rounds():
  x = tf.keras.Input((4, 4, 3))
  model = tf.keras.Model(x, normalization.normalized(x, 'batch', 'norm'))
  assert model.get_layer('norm').momentum == 0.9
  # The pruners fold batch normalisation with Keras' own epsilon.
  assert model.get_layer('norm').epsilon == 1e-3


def test_none_is_no_layer():
  x = tf.keras.Input((4, 4, 3))
  assert normalization.normalized(x, 'none', 'norm') is x


def test_others_are_refused():
  for name in normalization.NORMALIZATIONS:
    normalization.check_normalization('cnn', name)
  with pytest.raises(ValueError, match=r"cnn: .* group, batch, none; got 'x'"):
    normalization.check_normalization('cnn', 'x')
