"""iid and stratified."""

import numpy as np
import pytest

from flsec.data import partition

_LABELS = np.repeat(np.arange(5), [40, 21, 33, 7, 2])  # 103 examples.


def _counts(parts):
  return np.stack([np.bincount(_LABELS[part], minlength=5) for part in parts])


def test_iid_sizes_differ_by_one():
  sizes = [len(part) for part in partition.iid(_LABELS, 10)]
  assert sizes == [11] * 3 + [10] * 7


def test_iid_drops_the_remainder_if_told():
  parts = partition.iid(_LABELS, 10, drop_remainder=True)
  assert [len(part) for part in parts] == [10] * 10
  assert len(np.unique(np.concatenate(parts))) == 100


def test_iid_shuffles_the_labels():
  # Without a shuffle client 0 would have label 0 only.
  assert (_counts(partition.iid(_LABELS, 3)) > 0).all(axis=0)[:3].all()


@pytest.mark.parametrize('num_clients', [1, 3, 10, 103])
def test_stratified_class_counts_and_sizes_differ_by_one(num_clients):
  counts = _counts(partition.stratified(_LABELS, num_clients))
  totals = np.bincount(_LABELS)
  assert (counts >= totals // num_clients).all()
  assert (counts <= -(-totals // num_clients)).all()
  sizes = counts.sum(axis=1)
  assert sizes.max() - sizes.min() <= 1


def test_stratified_larger_parts_go_to_random_clients():
  larger = [
    np.argmax([len(p) for p in partition.stratified(_LABELS, 4, seed=seed)])
    for seed in range(20)
  ]
  assert len(set(larger)) > 1
