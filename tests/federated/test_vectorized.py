"""Tests of clients side by side: draws, sorting, gradients of kernels."""

import numpy as np
import pytest
import tensorflow as tf

from flsec.federated import batches, seed_folding, vectorized


def _gradient_by_hand(images, upstream, size, stride, before):
  """Adds up, place by place, what each window gives a kernel (float64)."""
  _, height, width, channels = images.shape
  _, rows, columns, filters = upstream.shape
  found = np.zeros((size, size, channels, filters))
  for i in range(size):
    for j in range(size):
      for row in range(rows):
        for column in range(columns):
          y, x = row * stride + i - before, column * stride + j - before
          if 0 <= y < height and 0 <= x < width:
            found[i, j] += images[:, y, x].T @ upstream[:, row, column]
  return found


@pytest.mark.parametrize(
  ('stride', 'is_padded', 'rows', 'before'),
  [(1, False, 5, 0), (1, True, 7, 1), (2, False, 3, 0), (2, True, 4, 1)],
)
def test_gradients_of_kernels(stride, is_padded, rows, before):
  rng = np.random.default_rng(0)
  # Whole numbers: every sum is exact in float32.
  images = rng.integers(-8, 9, (2, 3, 7, 7, 2)).astype(np.float32)
  upstream = rng.integers(-8, 9, (2, 3, rows, rows, 4)).astype(np.float32)
  found = vectorized.filter_gradients(
    tf.constant(images),
    tf.constant(upstream),
    (3, 3, 2, 4),
    strides=(stride, stride),
    is_padded=is_padded,
  )
  for one in range(2):
    expected = _gradient_by_hand(images[one], upstream[one], 3, stride, before)
    np.testing.assert_array_equal(found[one], expected)


def test_a_convolution_in_groups_is_refused():
  with pytest.raises(ValueError, match=r'in groups \(4 channels, kernels of 2'):
    vectorized.filter_gradients(
      tf.zeros([1, 1, 4, 4, 4]),
      tf.zeros([1, 1, 4, 4, 6]),
      (1, 1, 2, 6),
      strides=(1, 1),
      is_padded=True,
    )


@pytest.mark.parametrize('padding', ['SAME', 'VALID'])
def test_a_convolution_learns_from_each_clients_images(padding):
  rng = np.random.default_rng(1)
  images = tf.constant(rng.integers(-4, 5, (3, 2, 6, 6, 2)), tf.float32)
  kernel = tf.constant(rng.integers(-2, 3, (3, 3, 2, 2)), tf.float32)

  def gradient(x):
    with tf.GradientTape() as tape:
      tape.watch(kernel)
      outputs = tf.nn.conv2d(x, kernel, 1, padding)
      loss = tf.reduce_sum(outputs * outputs)
    return tape.gradient(loss, kernel)

  found = tf.function(
    lambda x: vectorized.vectorized(gradient, x), autograph=False
  )(images)
  np.testing.assert_array_equal(found, [gradient(x) for x in images])


def test_orders_are_those_of_a_client_alone():
  seeds = tf.constant([[1, 2], [3, -4], [5, 6]], tf.int64)
  labels = tf.reshape(tf.range(60), [3, 20])

  def drawn(client):
    shard = batches.Shard(client['y'], client['y'], 17)
    seed = seed_folding.fold(client['seed'], -1, tf.constant(12))
    return batches.shuffled(shard, seed, 8).y

  clients = {'seed': seeds, 'y': labels}
  together = tf.function(
    lambda c: vectorized.vectorized(drawn, c), autograph=False
  )
  graph = together.get_concrete_function(clients).graph
  names = [op.type for op in graph.get_operations()]
  assert 'While' not in names and 'StatelessWhile' not in names
  alone = [drawn({'seed': s, 'y': y}) for s, y in zip(seeds, labels)]
  np.testing.assert_array_equal(together(clients), alone)


def test_the_rules_are_there_for_the_trace_alone():
  table = vectorized.pfor._pfor_converter_registry
  before = dict(table)
  with pytest.raises(RuntimeError, match='on purpose'):
    vectorized.vectorized(_fails, tf.constant([1.0]))
  assert table == before


def _fails(row):
  raise RuntimeError('on purpose')
