"""What holds for every registered model, also for one added tomorrow."""

import functools

import float64_twin
import model_cases
import numpy as np
import pytest
import tensorflow as tf

from flsec import models, pruning, registry
from flsec.models.flat import FlatModel
from flsec.pruning import masks, targets
from flsec.pruning.pruner import PruningContext

slow = pytest.mark.slow
every_model = pytest.mark.parametrize(
  'name',
  [
    pytest.param(name, marks=slow if name in model_cases.LARGE else ())
    for name in model_cases.NAMES
  ],
)


@functools.cache
def small(name):
  return FlatModel(model_cases.small(name))


def inputs(model, size=3):
  generator = np.random.default_rng(1)
  return tf.constant(
    generator.uniform(size=[size, *model.input_shape]), tf.float32
  )


def test_every_registered_model_is_tested():
  assert set(model_cases.SMALL) == set(model_cases.NAMES)
  counted = {case[0] for case in model_cases.COUNTS + model_cases.LARGE_COUNTS}
  assert counted == set(model_cases.NAMES)


@pytest.mark.parametrize(
  ('name', 'input_shape', 'options', 'count'),
  [
    *model_cases.COUNTS,
    *(pytest.param(*case, marks=slow) for case in model_cases.LARGE_COUNTS),
  ],
)
def test_weights_are_as_many_as_the_paper_counts(
  name, input_shape, options, count
):
  keras_model = models.build(
    name, input_shape=input_shape, num_classes=10, **options
  )
  assert sum(int(np.prod(w.shape)) for w in keras_model.weights) == count
  assert keras_model.output_shape == (None, 10)


@every_model
def test_the_summary_names_the_model(name):
  entry = registry.entry('model', name)
  assert entry.summary.endswith('.')
  assert entry.paper
  assert entry.option_names[:2] == ('input_shape', 'num_classes')


@every_model
def test_spans_cover_the_vector_once(name):
  layout = small(name).layout
  end = 0
  for layer in layout.layers:
    for span in layer.spans.values():
      assert span.start == end
      end = span.stop
  assert end == layout.size == small(name).num_weights


@every_model
def test_every_layer_but_the_output_is_read(name):
  layout = small(name).layout
  assert layout[layout.output].units == model_cases.NUM_CLASSES
  for layer in layout.of_kind('dense', 'conv'):
    assert bool(layer.consumers) == (layer.name != layout.output), layer.name
    assert layer.activation == ('relu' if layer.consumers else 'linear')


@every_model
def test_kernels_fit_what_they_read(name):
  layout = small(name).layout
  for layer in layout.of_kind('dense', 'conv'):
    for consumer in layer.consumers:
      fan_in = layout[consumer].kernel.shape[-2]
      assert fan_in == layer.positions * layer.units


@every_model
def test_the_vector_is_in_the_order_of_keras_weights(name):
  keras_model = model_cases.small(name)
  model = small(name)
  weights = model_cases.random_weights(model)
  x = inputs(model)
  wanted = float64_twin.twin(keras_model, weights)(tf.cast(x, tf.float64))
  found = model.logits(tf.constant(weights), x)
  float64_twin.assert_close(model, found, wanted)


@every_model
def test_no_randomness_is_left_to_keras(name):
  model = small(name)
  weights = tf.constant(model.initial_weights(0))
  x, y = inputs(model), tf.constant([0, 1, 2])
  seed = tf.constant([3, 4])
  run = lambda: model.loss_and_gradient(weights, x, y, seed=seed)
  (loss, gradient), (again, same) = run(), run()
  assert np.isfinite(float(loss)) and float(loss) == float(again)
  np.testing.assert_array_equal(gradient, same)
  assert np.count_nonzero(gradient) > 0


@every_model
def test_flap_prunes_it(name):
  model = small(name)
  weights = tf.constant(model_cases.random_weights(model))
  pruner = pruning.build('flap', criterion='saliency', residual='tied')
  seed = tf.constant([0, 0])
  pruned, mask, record = pruner.prune(
    weights, model.layout, PruningContext(tf.constant(1), seed)
  )
  mask = mask.numpy()
  assert 0 < mask.sum() < mask.size
  assert not np.any(pruned.numpy()[mask])
  assert all(np.all(v >= 0) for k, v in record.items() if k.endswith('/units'))
  convs = {n for n in record if n.startswith(('conv', 'stem', 'stage'))}
  assert bool(convs) == bool(model.layout.of_kind('conv'))
  assert np.isfinite(model.logits(pruned, inputs(model))).all()


def silenced(keras_model, dead):
  """Clones a Keras model whose layers put out 0 at some units.

  Args:
    keras_model: the model.
    dead: layer name -> the unit that is multiplied by 0.
  """

  def clone(layer):
    made = type(layer).from_config(layer.get_config())
    if layer.name in dead:
      keep = 1 - tf.one_hot(
        dead[layer.name], layer.output_shape[-1], dtype=tf.float64
      )
      call = made.call
      made.call = lambda x, **given: call(x, **given) * keep
    return made

  return tf.keras.models.clone_model(keras_model, clone_function=clone)


@every_model
def test_zeroing_a_unit_silences_it(name):
  model = small(name)
  layout = model.layout
  keras_model = model_cases.small(name)
  weights = model_cases.random_weights(model)
  groups = targets.filter_groups(layout, 'tied')
  groups += [(layer,) for layer in targets.paired_layers(layout)]
  own, dead = {}, {}
  for index, group in enumerate(groups):
    unit = index % group[0].units
    for layer in group:
      own[layer.name] = tf.one_hot(unit, layer.units, True, False)
      dead.update(dict.fromkeys((layer.name, *layer.norms), unit))
  mask = masks.unit_mask(layout, own, {})
  pruned = masks.apply_mask(tf.constant(weights), mask)
  twin = silenced(float64_twin.twin(keras_model, weights), dead)
  twin.set_weights(float64_twin.twin(keras_model, weights).get_weights())
  x = inputs(model)
  found = model.logits(pruned, x).numpy()
  assert not np.allclose(found, model.logits(tf.constant(weights), x))
  float64_twin.assert_close(model, found, twin(tf.cast(x, tf.float64)))
