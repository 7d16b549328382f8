import numpy as np
import pytest
import server_cases
import tensorflow as tf

from flsec import registry
from flsec.numerics.random_order import random_order


def transform(x, bucket_size, seed=(3, 5), weights=None):
  stage = registry.build('preaggregator', 'bucketing', bucket_size=bucket_size)
  weights = np.ones(len(x)) if weights is None else weights
  found = stage.transform(
    tf.constant(x, tf.float32),
    tf.constant(weights, tf.float32),
    server_cases.context(seed=tf.constant(seed)),
  )
  return [one.numpy() for one in found]


@pytest.mark.parametrize(('clients', 'size'), [(6, 2), (7, 3), (5, 1), (3, 9)])
def test_every_client_is_in_one_bucket(clients, size):
  x = np.random.default_rng(0).standard_normal((clients, 4))
  mixed, weights, mixing = transform(x, size)
  assert len(mixed) == -(-clients // size)
  member = mixing > 0
  np.testing.assert_array_equal(member.sum(axis=0), np.ones(clients))
  sizes = member.sum(axis=1)
  assert np.all(sizes[:-1] == size) if len(sizes) > 1 else sizes == clients
  np.testing.assert_allclose(mixing.sum(axis=1), np.ones(len(mixed)))
  np.testing.assert_array_equal(weights, sizes)
  for row, index in zip(mixed, member):
    np.testing.assert_allclose(row, x[index].mean(axis=0), atol=1e-6)


def test_buckets_follow_the_order_of_the_seed():
  _, _, mixing = transform(np.eye(6), 2, seed=(1, 2))
  place = random_order(6, tf.constant([1, 2])).numpy()
  np.testing.assert_array_equal(mixing.argmax(axis=0), place // 2)


def test_buckets_change_with_the_seed():
  drawn = {transform(np.eye(6), 2, seed=(0, s))[2].tobytes() for s in range(5)}
  assert len(drawn) > 1


def test_weights_of_a_bucket_add_up():
  weights = np.arange(1.0, 7)
  _, found, mixing = transform(np.eye(6), 3, weights=weights)
  np.testing.assert_allclose(found, (mixing > 0) @ weights)


def test_rows_at_the_end_of_the_range_stay_in_it():
  # The float32 shares of 6 rows, 1/6 each, come to more than 1.
  largest = np.finfo(np.float32).max
  mixed, _, _ = transform(np.full((12, 4), largest), 6)
  np.testing.assert_allclose(mixed, np.full((2, 4), largest), rtol=1e-6)
