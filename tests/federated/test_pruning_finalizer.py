"""Pruning inside a stock `tff.learning` process."""

import numpy as np
import pytest
import stock_tff
import tensorflow as tf
import tensorflow_federated as tff

from flsec import pruning
from flsec.federated import pruning_finalizer
from flsec.models.flat import FlatModel
from flsec.pruning.pruner import Pruner, PruningContext
from flsec.pruning.schedule import initial_mask, prune_if_due

LEARNING_RATE = 0.5
NUM_CLIENTS = 3


@pytest.fixture(scope='module', autouse=True)
def worker():
  with stock_tff.local_worker():
    yield


def layout():
  return FlatModel(stock_tff.keras_model()).layout


def optimizer_finalizer(learning_rate=1.0, model_fn=stock_tff.model_fn):
  return tff.learning.templates.build_apply_optimizer_finalizer(
    tff.learning.optimizers.build_sgdm(learning_rate),
    tff.learning.models.weights_type_from_model(model_fn),
  )


def learning_process(finalizer, model_fn=stock_tff.model_fn):
  """Composes FedAvg from stock parts and a finalizer."""
  weights_type = tff.learning.models.weights_type_from_model(model_fn)
  initial = tff.tensorflow.computation(
    lambda: tff.learning.models.ModelWeights.from_model(model_fn())
  )
  return tff.learning.templates.compose_learning_process(
    initial,
    tff.learning.templates.build_broadcast_process(weights_type),
    tff.learning.templates.build_model_delta_client_work(
      model_fn,
      tff.learning.optimizers.build_sgdm(LEARNING_RATE),
      client_weighting=tff.learning.ClientWeighting.UNIFORM,
    ),
    tff.aggregators.MeanFactory().create(
      weights_type.trainable, tff.TensorType(np.float32)
    ),
    finalizer,
  )


def vector(weights):
  tensors = weights.trainable
  return np.concatenate([np.ravel(tensor) for tensor in tensors])


def run(pruner, rounds):
  """Runs FedAvg; returns each round's (weights before, weights after, output).

  Both are read from the process's state: what it broadcasts.
  """
  finalizer = pruning_finalizer.build_pruning_finalizer(
    pruner, layout(), optimizer_finalizer()
  )
  process = learning_process(finalizer)
  state, data = process.initialize(), stock_tff.client_data(NUM_CLIENTS)
  results = []
  for _ in range(rounds):
    output = process.next(state, data)
    weights = [
      vector(process.get_model_weights(s)) for s in (state, output.state)
    ]
    results.append((*weights, output))
    state = output.state
  return results


def plain_round(weights):
  """Runs one round of FedAvg without pruning from the given weights."""
  process = learning_process(optimizer_finalizer())
  state = process.initialize()
  spans = [s for layer in layout().layers for s in layer.spans.values()]
  tensors = [weights[s.start : s.stop].reshape(s.shape) for s in spans]
  start = tff.learning.models.ModelWeights(tensors, [])
  state = process.set_model_weights(state, start)
  output = process.next(state, stock_tff.client_data(NUM_CLIENTS))
  return vector(process.get_model_weights(output.state))


def test_the_next_round_starts_from_the_pruned_weights():
  pruner = pruning.build('flap', start_round=1, every=2, skip_zero=True)
  (start, first, output), (again, second, _), (_, third, last) = run(pruner, 3)
  aggregated = plain_round(start)
  expected, mask, record = pruner.prune(
    tf.constant(aggregated), layout(), PruningContext()
  )
  mask = mask.numpy()
  assert mask.any() and aggregated[mask].all()
  np.testing.assert_allclose(first, expected, rtol=1e-6)
  measured = output.metrics['finalizer']['pruning']
  for key, value in record.items():
    np.testing.assert_allclose(measured[key], value, rtol=1e-6)
  # What round 2 trains from is what round 1 pruned; it prunes nothing more.
  np.testing.assert_array_equal(again, first)
  np.testing.assert_allclose(second, plain_round(first), rtol=1e-5, atol=1e-7)
  # The dead unit is not chosen twice.
  name = layout().layers[0].name
  units = last.metrics['finalizer']['pruning'][f'{name}/units']
  assert units != measured[f'{name}/units'] and units[0] >= 0
  assert (third == 0).sum() > (second == 0).sum()


def test_persistent_state_and_plain_python_comparisons():
  # `==` between tensors means identity in a bare TFF graph.
  def prune(weights, layout, context):
    mask = tf.range(layout.size) == 2
    units = tf.constant([2])
    return tf.where(mask, 0.0, weights), mask, {'all/units': units}

  pruner = Pruner('third', prune, start_round=2, every=5, persistent=True)
  results = run(pruner, 3)
  zeros = [np.flatnonzero(after == 0.0).tolist() for _, after, _ in results]
  assert [2 in found for found in zeros] == [False, True, True]
  records = [
    output.metrics['finalizer']['pruning']['all/units'].tolist()
    for _, _, output in results
  ]
  assert records == [[-1], [2], [-1]]
  round_number, mask = results[-1][2].state.finalizer[1]
  assert round_number == 4
  assert np.flatnonzero(mask).tolist() == [2]


def test_hyperparameters_reach_the_other_finalizer():
  finalizer = pruning_finalizer.build_pruning_finalizer(
    pruning.build('flap'), layout(), optimizer_finalizer(0.25)
  )
  state = finalizer.initialize()
  hparams = finalizer.get_hparams(state)
  assert hparams['learning_rate'] == 0.25
  hparams['learning_rate'] = 0.5
  state = finalizer.set_hparams(state, hparams)
  assert finalizer.get_hparams(state)['learning_rate'] == 0.5


def test_moving_statistics_keep_their_place():
  def normalised():
    layers = tf.keras.layers
    inputs = layers.Input((stock_tff.NUM_FEATURES,))
    x = layers.Dense(4, kernel_initializer='ones')(inputs)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    return tf.keras.Model(inputs, layers.Dense(2)(x))

  def model_fn():
    return stock_tff.as_tff(normalised())

  plain = optimizer_finalizer(model_fn=model_fn)
  model_layout = FlatModel(normalised()).layout
  pruner = pruning.build('flap', criterion='l1')
  finalizer = pruning_finalizer.build_pruning_finalizer(
    pruner, model_layout, plain
  )
  kernel, bias, gamma, beta, last, last_bias, mean, variance = (
    np.full(shape, value, np.float32)
    for value, shape in enumerate(
      [(3, 4), (4,), (4,), (4,), (4, 2), (2,), (4,), (4,)], start=1
    )
  )
  weights = tff.learning.models.ModelWeights(
    [kernel, bias, gamma, beta, last, last_bias], [mean, variance]
  )
  update = [np.zeros_like(tensor) for tensor in weights.trainable]
  found = finalizer.next(finalizer.initialize(), weights, update).result
  expected = [tensor.copy() for tensor in weights.trainable]
  for tensor in expected[:4]:
    tensor[..., 0] = 0.0
  expected[4][0] = 0.0
  for tensors in (
    zip(found.trainable, expected),
    zip(found.non_trainable, weights.non_trainable),
  ):
    for actual, wanted in tensors:
      np.testing.assert_array_equal(actual, wanted)


def test_another_models_layout_is_refused():
  other = tf.keras.Sequential(
    [tf.keras.layers.InputLayer((5,)), tf.keras.layers.Dense(2)]
  )
  inputs = tf.keras.layers.Input((5,))
  other = tf.keras.Model(inputs, tf.keras.layers.Dense(2)(inputs))
  with pytest.raises(
    ValueError, match=r'shapes \[\[\(5, 2\), \(2,\)\], \[\]\]'
  ):
    pruning_finalizer.build_pruning_finalizer(
      pruning.build('flap'), FlatModel(other).layout, optimizer_finalizer()
    )


def test_schedule_counts_rounds_like_the_finalizer():
  # Kept beside it: the pure function that the finalizer wraps.
  pruner = pruning.build('flap', start_round=2)
  model = FlatModel(stock_tff.keras_model())
  weights = tf.constant(model.initial_weights(seed=0))
  mask = initial_mask(model.layout)
  context = PruningContext(tf.constant(1))
  same, _, _ = prune_if_due(pruner, weights, model.layout, context, mask)
  np.testing.assert_array_equal(same, weights)
