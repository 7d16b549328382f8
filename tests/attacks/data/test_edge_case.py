"""Tests of the edge-case backdoor."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from flsec.attacks.attack import AttackContext
from flsec.attacks.data.edge_case import edge_case

CONTEXT = AttackContext(weights=tf.zeros([1]), seed=tf.constant([3, 4]))
X, Y = tf.zeros([32, 4, 4, 1]), tf.zeros([32], tf.int32)


def write(path, **arrays):
  np.savez(path, **arrays)
  return str(path)


@pytest.fixture
def source(tmp_path):
  levels = np.arange(1, 6, dtype=np.uint8)[:, None, None, None]
  train = np.broadcast_to(levels * 51, (5, 4, 4, 1))
  return write(tmp_path / 'rare.npz', x_train=train, x_test=train[:2] - 1)


def test_rows_are_replaced_by_examples_of_the_file(source):
  x, y = edge_case(file=source, num_poisoned=20).poison(X, Y, CONTEXT)
  levels = x.numpy()[:, 0, 0, 0]
  assert set(np.round(levels[:20] * 5).astype(int)) == {1, 2, 3, 4, 5}
  assert np.all(x.numpy()[:20] == levels[:20, None, None, None])
  np.testing.assert_array_equal(x[20:], X[20:])
  np.testing.assert_array_equal(y, [1] * 20 + [0] * 12)


def test_the_seed_decides_which(source):
  poison = edge_case(file=source, poison_fraction=1.0).poison
  other = dataclasses.replace(CONTEXT, seed=tf.constant([8, 4]))
  first, again = (poison(X, Y, CONTEXT)[0] for _ in range(2))
  np.testing.assert_array_equal(first, again)
  assert np.any(first != poison(X, Y, other)[0])


def test_victims_are_the_files_own_test_examples(source):
  victims = edge_case(file=source, target_label=9).victims(X, Y)
  assert victims.x.shape == [2, 4, 4, 1]
  np.testing.assert_allclose(
    victims.x[:, 0, 0, 0], [50 / 255, 101 / 255], rtol=1e-6
  )
  np.testing.assert_array_equal(victims.y, [9, 9])
  np.testing.assert_array_equal(victims.mask, [True, True])


def test_shift_applies_to_bytes_and_floats_are_taken_as_they_are(tmp_path):
  stored = np.full([1, 4, 4, 1], 255, np.uint8)
  path = write(tmp_path / 'a.npz', x_train=stored, x_test=stored)
  inverted = edge_case(file=path, scale=-1 / 255, shift=1.0)
  np.testing.assert_allclose(inverted.victims(X, Y).x, 0.0, atol=1e-6)
  floats = stored.astype(np.float64)
  path = write(tmp_path / 'b.npz', x_train=floats, x_test=floats)
  np.testing.assert_array_equal(edge_case(file=path).victims(X, Y).x, floats)


def test_xla_compiles_it(source):
  poison = edge_case(file=source).poison
  compiled = tf.function(lambda x, y: poison(x, y, CONTEXT), jit_compile=True)
  for found, wanted in zip(compiled(X, Y), poison(X, Y, CONTEXT)):
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


@pytest.mark.parametrize(
  ('arrays', 'options', 'message'),
  [
    ({'x_train': np.ones([1, 2])}, {}, 'in the array x_test of .* holds x_tra'),
    ({'x_train': np.ones([])}, {}, 'one example in the array x_train'),
    (
      {'x_train': np.ones([1, 2]), 'x_test': np.array(['a'])},
      {},
      'real numbers in the array x_test of .* it holds <U1',
    ),
    (
      {'x_train': np.ones([0, 2]), 'x_test': np.ones([1, 2])},
      {},
      'at least one example in the array x_train',
    ),
    (
      {'x_train': np.ones([1, 2]), 'x_test': np.ones([1, 3])},
      {},
      r'x_test\) have shape \(3,\), .* \(2,\)',
    ),
    (
      {'x_train': np.ones([1, 2]), 'x_test': np.ones([1, 2])},
      {'input_shape': (28, 28, 1)},
      r'have shape \(2,\), the data set.s \(28, 28, 1\)',
    ),
    (
      {'x_train': np.ones([1, 2]), 'x_test': np.ones([1, 2])},
      {'target_label': 10, 'num_classes': 10},
      'target_label must be from 0 to 9',
    ),
  ],
)
def test_unusable_files_are_refused(tmp_path, arrays, options, message):
  path = write(tmp_path / 'rare.npz', **arrays)
  with pytest.raises(ValueError, match=message):
    edge_case(file=path, **options)


def test_a_missing_file_or_an_npy_is_refused(tmp_path):
  with pytest.raises(ValueError, match=r'edge_case cannot read .*absent\.npz'):
    edge_case(file=str(tmp_path / 'absent.npz'))
  np.save(tmp_path / 'one.npy', np.ones([2, 2]))
  with pytest.raises(ValueError, match=r'array x_train .* holds pattern'):
    edge_case(file=str(tmp_path / 'one.npy'))


def test_a_truncated_file_is_refused(source):
  with open(source, 'r+b') as file:
    file.truncate(100)
  with pytest.raises(ValueError, match='edge_case cannot read'):
    edge_case(file=source)


def test_a_shape_known_only_at_the_first_batch_is_refused_there(source):
  with pytest.raises(ValueError, match='Convert the file'):
    edge_case(file=source).poison(tf.zeros([2, 5, 5, 1]), Y[:2], CONTEXT)
