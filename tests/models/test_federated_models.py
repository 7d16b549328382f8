"""Every model goes through a federated round in this process."""

import collections

import model_cases
import numpy as np
import pytest
import tensorflow as tf

from flsec import aggregators
from flsec.config import schema
from flsec.federated import process
from flsec.federated.plan import Plan
from flsec.models.flat import FlatModel
from flsec.runtime.in_process import InProcess

NUM_CLIENTS, NUM_EXAMPLES = 2, 8
# The round is the same for all; the default suite shows one of each kind of
# layer (dense; convolution with batch statistics; residual; group norm).
QUICK = ('mlp', 'cnn', 'resnet20')


def clients(model):
  generator = np.random.default_rng(0)
  shape = [NUM_EXAMPLES, *model.input_shape]
  return [
    collections.OrderedDict(
      x=tf.constant(generator.integers(256, size=shape), tf.uint8),
      y=tf.constant(generator.integers(model.num_classes, size=8), tf.int32),
      count=tf.constant(NUM_EXAMPLES),
      client_id=tf.constant(client_id),
      rank=tf.constant(-1),
      seed=tf.constant([client_id, 7], tf.int64),
    )
    for client_id in range(NUM_CLIENTS)
  ]


def plan_of(model, rule):
  return Plan(
    model=model,
    clients=schema.ClientsConfig(
      num_clients=NUM_CLIENTS,
      optimizer=schema.OptimizerConfig(learning_rate=0.01),
      steps=1,
      batch_size=NUM_EXAMPLES,
    ),
    rule=rule,
    initial_weights=model.initial_weights(0),
    seed=0,
    num_participants=NUM_CLIENTS,
  )


def run_round(model, rule):
  """Returns the weights after one round."""
  plan = plan_of(model, rule)
  with InProcess(process.build_process(plan), num_threads=2) as runtime:
    state, _ = runtime.next(runtime.initialize(), clients(model))
  return np.asarray(state['weights'])


def trained_by_hand(model, client):
  """Returns a client's weights after its one step, the batch in any order."""
  weights = tf.constant(model.initial_weights(0))
  _, gradient, statistics = model.differentiate(
    weights, model.inputs(client['x']), client['y']
  )
  return model.with_statistics(weights - 0.01 * gradient, statistics)


@pytest.mark.parametrize(
  'name',
  [
    pytest.param(n, marks=() if n in QUICK else pytest.mark.slow)
    for n in model_cases.NAMES
  ],
)
def test_a_round_is_the_mean_of_the_clients_steps(name):
  model = FlatModel(model_cases.small(name))
  found = run_round(model, aggregators.build('mean'))
  assert np.isfinite(found).all()
  assert not np.array_equal(found, model.initial_weights(0))
  if name == 'vgg':
    return  # Which units its dropout drops is the client's affair.
  wanted = np.mean([trained_by_hand(model, c) for c in clients(model)], axis=0)
  np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-5)


def test_mean_statistics_average_what_the_rule_would_not():
  model = FlatModel(model_cases.small('cnn'))
  rule = aggregators.build('mean_statistics', rule={'name': 'sign_majority'})
  found = run_round(model, rule)
  update = found - model.initial_weights(0)
  wanted = np.mean([trained_by_hand(model, c) for c in clients(model)], axis=0)
  is_statistic = np.zeros(model.num_weights, bool)
  for span in model.layout.statistics:
    is_statistic[span.start : span.stop] = True
  np.testing.assert_allclose(
    found[is_statistic], wanted[is_statistic], rtol=1e-3, atol=1e-5
  )
  np.testing.assert_allclose(
    np.abs(update[~is_statistic]),
    np.round(np.abs(update[~is_statistic])),
    atol=1e-5,
  )
