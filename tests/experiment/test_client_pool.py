"""What each client holds, and shards that are padded for XLA."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
import tiny_federation as tiny

from flsec import seeds
from flsec.experiment import client_pool

_SIZES = [3, 8, 5, 1]


def _structs(batch_size=None, malicious=(False, True, False, True)):
  return tiny.structs(tiny.federation(_SIZES), malicious, batch_size)


def test_clients_hold_their_own_examples():
  federated = tiny.federation(_SIZES)
  for i, client in enumerate(_structs()):
    shard = federated.client(i)
    np.testing.assert_array_equal(client['x'], shard.x)
    np.testing.assert_array_equal(client['y'], shard.y)
    assert client['count'].numpy() == _SIZES[i]
    assert client['client_id'].numpy() == i


def test_dtypes_are_those_of_the_computation():
  client = _structs()[0]
  dtypes = {name: leaf.dtype for name, leaf in client.items()}
  assert dtypes == {
    'x': tf.float32,
    'y': tf.int32,
    'count': tf.int32,
    'client_id': tf.int32,
    'rank': tf.int32,
    'seed': tf.int64,
  }


def test_malicious_clients_are_numbered():
  assert [c['rank'].numpy() for c in _structs()] == [-1, 0, -1, 1]
  none = _structs(malicious=[False] * 4)
  assert [c['rank'].numpy() for c in none] == [-1] * 4


def test_each_client_has_a_stream_of_its_own():
  drawn = [tuple(client['seed'].numpy()) for client in _structs()]
  assert len(set(drawn)) == 4
  np.testing.assert_array_equal(drawn[2], seeds.stream(tiny.SEED, 'client', 2))


def test_rounds_share_the_tensors():
  pool = client_pool.ClientPool(
    tiny.federation(_SIZES), np.zeros(4, bool), tiny.SEED
  )
  first, again = (pool.structs(np.array([2, 0])) for _ in range(2))
  assert [c['client_id'].numpy() for c in first] == [2, 0]
  assert all(a is b for a, b in zip(first, again))


def test_padding_is_zeros_behind_the_examples():
  for plain, padded in zip(_structs(), _structs(batch_size=2)):
    count = int(plain['count'])
    assert int(padded['count']) == count
    assert len(padded['y']) == 2 * client_pool.bucket(-(-count // 2))
    np.testing.assert_array_equal(padded['x'][:count], plain['x'])
    assert not padded['x'][count:].numpy().any()
    assert not padded['y'][count:].numpy().any()


@pytest.mark.parametrize(
  'batches, size',
  [
    (0, 1),
    (1, 1),
    (2, 2),
    (3, 3),
    (4, 4),
    (5, 6),
    (6, 6),
    (7, 8),
    (9, 12),
    (13, 16),
  ],
)
def test_sizes_are_few(batches, size):
  assert client_pool.bucket(batches) == size


@pytest.mark.parametrize('batch_size', [None, 2])
def test_labels_of_an_attack_lie_beside_the_true_ones(batch_size):
  federated = tiny.federation(_SIZES)
  labels = np.arange(len(federated.y), dtype=np.int32)[::-1]
  attacked = dataclasses.replace(federated, attack_y=labels)
  clients = tiny.structs(attacked, [False] * 4, batch_size)
  for plain, client, start in zip(
    _structs(batch_size), clients, (0, 3, 11, 16)
  ):
    count = int(client['count'])
    found = client['attack_y'].numpy()
    np.testing.assert_array_equal(found[:count], labels[start : start + count])
    assert found.shape == plain['y'].shape and found.dtype == np.int32
    np.testing.assert_array_equal(client['y'], plain['y'])
  assert 'attack_y' not in _structs()[0]


def test_padding_is_less_than_half_again():
  sizes = [client_pool.bucket(n) for n in range(1, 500)]
  assert all(n <= size < 1.5 * n + 1 for n, size in enumerate(sizes, 1))
  assert len(set(sizes)) <= 18
