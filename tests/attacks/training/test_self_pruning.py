"""Tests of self-pruning."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from flsec.attacks.attack import AttackContext
from flsec.attacks.data.label_flip import label_flip
from flsec.attacks.training.flip_and_ascent import flip_and_ascent
from flsec.attacks.training.self_pruning import self_pruning
from flsec.models.layout import Layer, Layout, Span

FLIP = label_flip(source_label=1, target_label=2)
LAYOUT = Layout(
  (
    Layer('first', 'conv', {'kernel': Span(0, (1, 1, 1, 2))}, 2),
    Layer(
      'last',
      'conv',
      {'kernel': Span(2, (1, 1, 2, 2)), 'bias': Span(6, (2,))},
      2,
    ),
    Layer('output', 'dense', {'kernel': Span(8, (1, 2))}, 2),
  ),
  size=10,
  output='output',
)
CONTEXT = AttackContext(weights=tf.zeros([10]), layout=LAYOUT)
# The last conv's kernel is (-1, 0.5, 1, 10); 99 elsewhere.
WEIGHTS = np.array([99, 99, -1, 0.5, 1, 10, 99, 99, 99, 99], np.float32)


def test_zero_weights_count_unless_the_server_removed_them():
  """Of (-1, 0, 0, 0, 4): mu 0.6, sigma 1.74, the 4 goes; without the zeros,
  mu 1.5, sigma 2.5, both stay, on the bounds."""
  layer = Layer('last', 'conv', {'kernel': Span(0, (1, 1, 1, 5))}, 5)
  context = dataclasses.replace(
    CONTEXT, layout=Layout((layer,), size=5, output='last')
  )
  kernel = tf.constant([-1.0, 0.0, 0.0, 0.0, 4.0])
  project = self_pruning(attack=FLIP, num_deviations=1.0).project
  np.testing.assert_array_equal(project(kernel, context), [-1, 0, 0, 0, 0])
  removed = tf.constant([False, True, True, True, False])
  context = dataclasses.replace(context, removed=removed)
  np.testing.assert_array_equal(project(kernel, context), kernel)


def test_only_the_last_conv_kernel_changes():
  found = self_pruning(attack=FLIP, num_deviations=1.0).project(
    tf.constant(WEIGHTS), CONTEXT
  )
  expected = WEIGHTS.copy()
  expected[5] = 0.0
  np.testing.assert_array_equal(found, expected)


def test_a_named_layer_is_pruned_instead():
  weights = np.array([1, 1, 5, 5, 5, 5, 5, 5, 3, 9], np.float32)
  attack = self_pruning(attack=FLIP, num_deviations=0.5, layer='output')
  found = attack.project(tf.constant(weights), CONTEXT)
  np.testing.assert_array_equal(found, [*weights[:8], 0.0, 0.0])


@pytest.mark.parametrize('every_step', [True, False])
def test_the_sent_weights_hold_no_extremes(client, every_step):
  attack = self_pruning(attack=FLIP, num_deviations=1.0, every_step=every_step)
  sent = client.context.weights + client.attacked(attack)
  assert (attack.project is not None) == every_step
  np.testing.assert_array_equal(np.sum(sent != 0.0) < 12, True)


def test_a_training_of_its_own_is_pruned_at_every_step(client):
  base = flip_and_ascent(flip=FLIP)
  pruned = self_pruning(attack=base, num_deviations=1.0)
  run = pruned.train(client.run, client.context)
  assert np.any(run != base.train(client.run, client.context))


def test_xla_compiles_it():
  project = self_pruning(attack=FLIP, num_deviations=1.0).project
  compiled = tf.function(lambda w: project(w, CONTEXT), jit_compile=True)
  np.testing.assert_array_equal(
    compiled(WEIGHTS), project(tf.constant(WEIGHTS), CONTEXT)
  )


def test_impossible_options_are_refused():
  with pytest.raises(ValueError, match='num_deviations > 0; got 0'):
    self_pruning(attack=FLIP, num_deviations=0)
  with pytest.raises(
    ValueError, match=r"layer 'lost'\. There are: first, last"
  ):
    self_pruning(attack=FLIP, layer='lost').project(WEIGHTS, CONTEXT)
  dense = dataclasses.replace(LAYOUT, layers=LAYOUT.layers[2:])
  context = dataclasses.replace(CONTEXT, layout=dense)
  with pytest.raises(
    ValueError, match=r'model has none\. Give `layer`, .*output'
  ):
    self_pruning(attack=FLIP).project(WEIGHTS, context)
