import numpy as np

from flsec.data.partition import ownership


def test_indices_by_owner_written_by_hand():
  owners = np.array([1, -1, 0, 1, 3, -1])
  parts = ownership.indices_by_owner(owners, 4)
  assert [part.tolist() for part in parts] == [[2], [0, 3], [], [4]]


def test_indices_when_all_are_used_or_none():
  parts = ownership.indices_by_owner(np.array([1, 0]), 2)
  assert [part.tolist() for part in parts] == [[1], [0]]
  parts = ownership.indices_by_owner(np.array([-1, -1]), 2)
  assert [part.tolist() for part in parts] == [[], []]


def test_owners_from_counts_gives_each_its_counts():
  classes = np.random.default_rng(0).integers(0, 3, 60)
  totals = np.bincount(classes)
  counts = np.stack([totals // 2, totals // 3])
  owners = ownership.owners_from_counts(
    classes, counts, np.random.default_rng(1)
  )
  for owner in (0, 1):
    found = np.bincount(classes[owners == owner], minlength=3)
    np.testing.assert_array_equal(found, counts[owner])
  assert (owners == -1).sum() == 60 - counts.sum()


def test_owners_are_drawn_uniformly():
  classes = np.zeros(4, np.int64)
  rng = np.random.default_rng(0)
  got = np.zeros(4)
  for _ in range(4000):
    got += ownership.owners_from_counts(classes, np.array([[1], [3]]), rng) == 0
  assert np.abs(got - 1000).max() < 150  # Five standard deviations.


def test_dealt_differs_by_one():
  np.testing.assert_array_equal(ownership.dealt(11, 4), [3, 3, 3, 2])
  np.testing.assert_array_equal(ownership.dealt(2, 4), [1, 1, 0, 0])
  np.testing.assert_array_equal(ownership.dealt(8, 4), [2, 2, 2, 2])
