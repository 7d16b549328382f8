"""Every rule inside stock federated averaging, for two rounds."""

import numpy as np
import pytest
import stock_tff
import tensorflow as tf
import tensorflow_federated as tff
from stock_server import NUM_CLIENTS, build, rows, server

from flsec import registry
from flsec.aggregators.rule import Rule
from flsec.federated.rule_factory import as_aggregation_factory

QUICK = ('mean', 'median', 'trimmed_mean', 'krum', 'multi_krum', 'fltrust')


@pytest.fixture(scope='module', autouse=True)
def worker():
  with stock_tff.local_worker():
    yield


def parameters():
  names = registry.entries('aggregator')
  return [
    pytest.param(
      name, marks=[] if name in QUICK else [pytest.mark.slow], id=name
    )
    for name in names
  ] or [pytest.param(None, marks=pytest.mark.skip('no rule is registered'))]


@pytest.mark.parametrize('name', parameters())
def test_two_rounds_of_stock_fed_avg(name):
  rule = build(name)
  needs_server = bool(rule.needs - {'seed'})
  process = tff.learning.algorithms.build_unweighted_fed_avg(
    stock_tff.model_fn,
    tff.learning.optimizers.build_sgdm(0.1),
    model_aggregator=as_aggregation_factory(
      rule, NUM_CLIENTS, server=server() if needs_server else None
    ),
  )
  state, data = process.initialize(), stock_tff.client_data(NUM_CLIENTS)
  weights = [process.get_model_weights(state).trainable]
  for _ in range(2):
    output = process.next(state, data)
    state = output.state
    weights.append(process.get_model_weights(state).trainable)
    if needs_server:  # The weights that are followed are those of the model.
      followed = tf.nest.flatten(state.aggregator)[-1]
      np.testing.assert_allclose(followed, rows([weights[-1]])[0], atol=1e-6)
  first, second, third = (rows([value])[0] for value in weights)
  assert np.isfinite(third).all()
  assert (first != second).any() and (second != third).any()
  if not rule.is_weighted_mean:
    shape = output.metrics['aggregator']['selected'].shape
    assert shape == (NUM_CLIENTS,)


def test_stock_fed_avg_takes_the_rules_result():
  rule = Rule(
    'median_row',
    lambda state, updates, weights, context: (
      state,
      tf.sort(updates, axis=0)[NUM_CLIENTS // 2],
      {'selected': weights},
    ),
  )
  process = tff.learning.algorithms.build_unweighted_fed_avg(
    stock_tff.model_fn,
    tff.learning.optimizers.build_sgdm(0.1),
    model_aggregator=as_aggregation_factory(rule),
  )
  state, data = process.initialize(), stock_tff.client_data(NUM_CLIENTS)
  alone = []
  for dataset in data:
    after = process.next(state, [dataset] * NUM_CLIENTS).state
    alone.append(rows([process.get_model_weights(after).trainable])[0])
  together = process.next(state, data).state
  found = rows([process.get_model_weights(together).trainable])[0]
  expected = np.sort(alone, axis=0)[NUM_CLIENTS // 2]
  np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
