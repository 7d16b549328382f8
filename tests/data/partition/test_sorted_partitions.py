"""extreme and gamma_similarity."""

import numpy as np
import pytest

from flsec.data.partition import extreme, gamma_similarity

_LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(10), 100))


def _num_labels(parts):
  return np.array([len(np.unique(_LABELS[part])) for part in parts])


def test_extreme_cuts_the_sorted_labels():
  parts = extreme(_LABELS, 8)  # 125 each: 100 of 0, 25 of 1; 75 of 1, 50 of 2.
  counts = [np.bincount(_LABELS[part], minlength=10) for part in parts]
  np.testing.assert_array_equal(counts[0][:3], [100, 25, 0])
  np.testing.assert_array_equal(counts[1][:4], [0, 75, 50, 0])
  np.testing.assert_array_equal(counts[7][8:], [25, 100])


def test_extreme_sizes_differ_by_one():
  assert [len(p) for p in extreme(_LABELS, 7)] == [143] * 6 + [142]


def test_gamma_zero_is_extreme():
  for mine, theirs in zip(
    gamma_similarity(_LABELS, 8, gamma=0.0), extreme(_LABELS, 8)
  ):
    np.testing.assert_array_equal(
      np.bincount(_LABELS[mine], minlength=10),
      np.bincount(_LABELS[theirs], minlength=10),
    )


def test_gamma_one_has_all_labels_everywhere():
  assert (_num_labels(gamma_similarity(_LABELS, 8, gamma=1.0)) == 10).all()


def test_gamma_is_the_share_that_is_spread():
  """With 10 clients the sorted part of client c is of label c alone.

  Of gamma = 0.3, 0.03 are of its own label by chance, which makes 0.73; that
  the cuts fall a little beside the labels' bounds costs less than 0.02.
  """
  labels = np.repeat(np.arange(10), 50_000)
  parts = gamma_similarity(labels, 10, gamma=0.3)
  own = [np.mean(labels[part] == client) for client, part in enumerate(parts)]
  np.testing.assert_allclose(own, 0.73, atol=0.02)


@pytest.mark.parametrize('gamma', [0.0, 0.123, 0.29, 0.5, 1.0])
@pytest.mark.parametrize('num_clients', [1, 7, 33])
def test_gamma_sizes_differ_by_one(gamma, num_clients):
  parts = gamma_similarity(_LABELS, num_clients, gamma=gamma)
  assert np.ptp([len(part) for part in parts]) <= 1


@pytest.mark.parametrize('gamma', [-0.1, 1.01, float('nan')])
def test_refuses_a_share_out_of_range(gamma):
  with pytest.raises(ValueError, match='gamma must be from 0 to 1'):
    gamma_similarity(_LABELS, 4, gamma=gamma)
