import numpy as np
import pytest

from flsec.data import splitting


def test_stratified_split_holds_out_the_same_share_of_each_class():
  y = np.repeat([0, 1, 2], [10, 20, 5])
  train, test = splitting.stratified_split(y, test_fraction=0.2, seed=0)
  np.testing.assert_array_equal(np.bincount(y[test]), [2, 4, 1])
  np.testing.assert_array_equal(
    np.sort(np.concatenate([train, test])), np.arange(35)
  )


def test_stratified_split_depends_on_the_seed_alone():
  y = np.arange(100) % 10
  splits = [
    splitting.stratified_split(y, test_fraction=0.3, seed=seed)[1]
    for seed in (1, 1, 2)
  ]
  np.testing.assert_array_equal(splits[0], splits[1])
  assert not np.array_equal(splits[0], splits[2])


@pytest.mark.parametrize('fraction', [0, 1, -0.1, 1.5])
def test_refuses_a_share_that_leaves_nothing(fraction):
  with pytest.raises(ValueError, match=r'test_fraction must be in \(0, 1\)'):
    splitting.stratified_split(np.zeros(9), test_fraction=fraction, seed=0)


def _shuffled(num_train, seed=0):
  x = np.arange(50, dtype=np.uint8)[:, None]
  return splitting.shuffled_dataset(
    'some',
    x,
    np.arange(50),
    num_classes=50,
    num_train=num_train,
    split_seed=seed,
  )


def test_shuffled_dataset_keeps_pairs_and_uses_all():
  dataset = _shuffled(40)
  assert (len(dataset.y_train), len(dataset.y_test)) == (40, 10)
  np.testing.assert_array_equal(dataset.x_train[:, 0], dataset.y_train)
  both = np.concatenate([dataset.y_train, dataset.y_test])
  np.testing.assert_array_equal(np.sort(both), np.arange(50))
  assert not np.array_equal(both, np.arange(50))
  assert not np.array_equal(dataset.y_train, _shuffled(40, 1).y_train)


@pytest.mark.parametrize('num_train', [0, 50, 51, -1])
def test_refuses_a_split_that_leaves_nothing(num_train):
  with pytest.raises(ValueError, match=r'must be from 1 to 49.*test examples'):
    _shuffled(num_train)
