"""Tests of pruning-aware training."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from flsec.attacks.data.label_flip import label_flip
from flsec.attacks.training.model_replacement import model_replacement
from flsec.attacks.training.pruning_aware import pruning_aware
from flsec.models.layout import Layer, Layout, Span

FLIP = label_flip(source_label=1, target_label=2)


def test_masked_channels_get_no_change_and_the_others_train_without_them(
  client,
):
  update = client.attacked(pruning_aware(attack=FLIP, channels=[2]))
  keep = np.tile([1.0, 1.0, 0.0], 4)  # Column 2 of the 4x3 kernel.
  flipped = dataclasses.replace(client, y=FLIP.poison(0, client.y, None)[1])
  weights = client.context.weights.numpy() * keep
  for _ in range(3):
    weights = weights - 0.5 * keep * flipped.gradient(
      tf.constant(weights, tf.float32), flipped.y
    )
  expected = weights - client.context.weights * keep
  np.testing.assert_allclose(update, expected, rtol=1e-4, atol=1e-5)
  assert np.sum(update != 0.0) == 8


def test_biases_of_the_channels_are_masked_too(client):
  layer = Layer(
    'hidden',
    'conv',
    {'kernel': Span(0, (3, 1, 1, 3)), 'bias': Span(9, (3,))},
    3,
  )
  context = dataclasses.replace(
    client.context, layout=Layout((layer,), 12, 'hidden')
  )
  client = dataclasses.replace(client, context=context)
  update = client.attacked(pruning_aware(attack=FLIP, channels=[0, 2]))
  np.testing.assert_array_equal(update != 0.0, np.tile([0, 1, 0], 4))


def test_the_update_is_scaled_behind_it(client):
  scaled = model_replacement(attack=FLIP, scale=3.0)
  np.testing.assert_allclose(
    client.attacked(pruning_aware(attack=scaled, channels=[1])),
    3.0 * client.attacked(pruning_aware(attack=FLIP, channels=[1])),
    rtol=1e-6,
  )


@pytest.mark.parametrize('channels', [[], [-1], [1, 1]])
def test_impossible_channels_are_refused(channels):
  with pytest.raises(ValueError, match='at least 0 and given once; got'):
    pruning_aware(attack=FLIP, channels=channels)


def test_channels_that_the_layer_lacks_are_refused(client):
  attack = pruning_aware(attack=FLIP, channels=[3])
  with pytest.raises(
    ValueError, match="'hidden' has the channels 0 to 2; got 3"
  ):
    client.attacked(attack)
