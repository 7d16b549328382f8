import numpy as np
import pytest
import tensorflow as tf

from benchmarks import aggregator_work


@pytest.mark.parametrize('dimension', [500, 20_000, 100_000])
def test_the_model_has_about_as_many_weights_as_asked_for(dimension):
  server = aggregator_work.build_server(dimension)
  assert server.weights.size == pytest.approx(dimension, rel=0.02)
  assert server.layout.size == server.weights.size
  features, hidden, classes = server.sizes
  assert server.layout['dense1'].kernel.shape == (features, hidden)
  assert server.layout['logits'].kernel.shape == (hidden, classes)


def test_the_server_trains_one_step_down_the_loss():
  server = aggregator_work.build_server(500)
  context = server.context
  x, y = server.root
  update = context.train(context.weights, x, y, context.seed)

  def loss(weights):
    return context.model.loss(weights, tf.constant(x), tf.constant(y))

  assert loss(context.weights + update) < loss(context.weights)


def test_statistics_are_the_hidden_biases():
  server = aggregator_work.with_statistics(aggregator_work.build_server(500))
  (span,) = server.layout.statistics
  assert (span.start, span.size) == (
    server.sizes[0] * server.sizes[1],
    server.sizes[1],
  )
  assert server.context.layout is server.layout


def test_the_first_rows_lie_apart():
  shape = aggregator_work.Shape(10, 20_000, 2)
  rows = aggregator_work.stack(shape, scale=0.1)
  assert rows.dtype == np.float32
  np.testing.assert_allclose(rows.std(axis=1), 0.1, rtol=0.05)
  np.testing.assert_allclose(rows[:2].mean(axis=1), 0.05, atol=0.005)
  np.testing.assert_allclose(rows[2:].mean(axis=1), 0, atol=0.005)
