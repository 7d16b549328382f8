import os

import numpy as np
import pytest

from flsec import data
from flsec.metrics.heterogeneity import (
  intra_label_cosine,
  label_distance,
  label_distribution,
)

_FOLDER = os.environ.get('FLSEC_DATA_DIR', '')


def _reference(x, y):
  """The mean over all ordered pairs of a label, pair by pair, in float64."""
  means = []
  for label in np.unique(y):
    rows = x[y == label].reshape((y == label).sum(), -1).astype(np.float64)
    cosines = [a @ b / np.sqrt((a @ a) * (b @ b)) for a in rows for b in rows]
    means.append(np.mean(cosines))
  return np.mean(means)


def test_two_vectors_by_hand():
  x = np.array([[3.0, 0.0], [0.0, 2.0]])
  # Pairs of the one label: 1, 0, 0, 1.
  assert intra_label_cosine(x, [0, 0]) == pytest.approx(0.5)
  # A label each: only itself.
  assert intra_label_cosine(x, [0, 1]) == pytest.approx(1.0)
  # Opposite vectors cancel.
  assert intra_label_cosine(np.array([[1.0], [-2.0]]), [3, 3]) == 0


def test_labels_count_alike_however_many_examples():
  x = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
  assert intra_label_cosine(x, [0, 0, 1]) == pytest.approx((0.5 + 1.0) / 2)


def test_equals_the_mean_over_pairs():
  rng = np.random.default_rng(0)
  x = rng.integers(1, 256, (60, 4, 3), dtype=np.uint8)
  y = rng.integers(0, 7, 60)
  np.testing.assert_allclose(intra_label_cosine(x, y), _reference(x, y))


def test_chunks_do_not_matter(monkeypatch):
  from flsec.metrics import heterogeneity

  rng = np.random.default_rng(0)
  x, y = rng.random((50, 5)), rng.integers(0, 3, 50)
  whole = intra_label_cosine(x, y)
  monkeypatch.setattr(heterogeneity, '_CHUNK', 7)
  assert intra_label_cosine(x, y) == pytest.approx(whole)


def test_length_and_order_of_examples_do_not_matter():
  rng = np.random.default_rng(0)
  x, y = rng.random((50, 5)), rng.integers(0, 3, 50)
  order = rng.permutation(50)
  lengths = rng.uniform(0.1, 10, (50, 1))
  assert intra_label_cosine((lengths * x)[order], y[order]) == pytest.approx(
    intra_label_cosine(x, y)
  )


def test_scale_and_shift_are_those_of_the_model_input():
  x = np.random.default_rng(0).integers(0, 256, (30, 6), dtype=np.uint8)
  y = np.arange(30) % 3
  found = intra_label_cosine(x, y, scale=-1 / 255, shift=1.0)
  np.testing.assert_allclose(found, _reference(1 - x / 255, y))


def test_zero_examples_have_no_direction():
  x = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [0.0, 0.0]])
  assert intra_label_cosine(x, [0, 0, 0, 1]) == pytest.approx(1.0)
  with pytest.raises(ValueError, match='not all zero; got 2 examples'):
    intra_label_cosine(np.zeros((2, 3)), [0, 1])


@pytest.mark.skipif(
  not os.path.exists(os.path.join(_FOLDER, 'dataset_location.tgz')),
  reason='needs dataset_location.tgz in $FLSEC_DATA_DIR',
)
def test_location30_as_published():
  read = data.load('location30', _FOLDER)
  x = np.concatenate([read.x_train, read.x_test])
  y = np.concatenate([read.y_train, read.y_test])
  assert intra_label_cosine(x, y) == pytest.approx(0.353, abs=5e-4)


def test_label_distribution_by_hand():
  y, offsets = [2, 0, 0, 1, 1, 1], [0, 3, 3, 6]
  np.testing.assert_array_equal(
    label_distribution(y, offsets, 4),
    [[2, 0, 1, 0], [0, 0, 0, 0], [0, 3, 0, 0]],
  )


def test_label_distribution_of_a_federation():
  rng = np.random.default_rng(0)
  y = rng.integers(0, 5, 200).astype(np.int32)
  offsets = np.array([0, 20, 90, 200])
  counts = label_distribution(y, offsets, 5)
  for client in range(3):
    mine = y[offsets[client] : offsets[client + 1]]
    np.testing.assert_array_equal(
      counts[client], np.bincount(mine, minlength=5)
    )


@pytest.mark.parametrize(
  ('y', 'offsets', 'message'),
  [
    ([0, 1], [0, 1], 'rise from 0 to the 2 labels; got 0 to 1'),
    ([0, 1], [1, 2], 'rise from 0 to the 2'),
    ([0, 1], [0, 2, 1, 2], 'rise from 0 to the 2'),
    ([0, 5], [0, 2], 'Labels must be in 0 to 4; got 0 to 5'),
    ([0, -1], [0, 2], 'Labels must be in 0 to 4; got -1 to 0'),
  ],
)
def test_label_distribution_refuses_bad_input(y, offsets, message):
  with pytest.raises(ValueError, match=message):
    label_distribution(y, offsets, 5)


class TestLabelDistance:
  def test_by_hand(self):
    # Of 12 examples a half is of class 0. The clients' shares of it are 1, 3/4
    # and 1/6, at distances of 1/2, 1/4 and 1/3; the fourth has no example.
    counts = np.array([[2, 0], [3, 1], [1, 5], [0, 0]])
    found = label_distance(counts)
    assert found == pytest.approx((1 / 2 + 1 / 4 + 1 / 3) / 3)

  def test_a_client_of_one_example_counts_as_the_others(self):
    # Two of three examples are of class 0; the clients' shares of it are 1 and
    # 1/2, at distances of 1/3 and 1/6.
    assert label_distance([[1, 0], [1, 1]]) == pytest.approx(1 / 4)

  def test_equal_shares_are_no_distance(self):
    assert label_distance([[1, 2, 3], [2, 4, 6]]) == 0

  def test_one_class_each_is_as_far_as_can_be(self):
    assert label_distance(np.eye(4) * 7) == pytest.approx(3 / 4)

  def test_nobody_with_examples_is_refused(self):
    with pytest.raises(ValueError, match='the 2 clients have none'):
      label_distance([[0, 0], [0, 0]])
