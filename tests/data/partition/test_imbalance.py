import numpy as np
import pytest

from flsec.data.partition import imbalance
from flsec.data.partition.imbalance import cluster_counts


def test_worked_example_of_the_paper():
  """50,000 examples, 10 classes, degree 0.5, 100 clients."""
  labels = np.repeat(np.arange(10), 5000)
  parts = imbalance(labels, 100, degree=0.5, seed=1)
  assert {len(part) for part in parts} == {500}
  clusters = [np.concatenate(parts[10 * w : 10 * w + 10]) for w in range(10)]
  for own, cluster in enumerate(clusters):
    counts = np.bincount(labels[cluster], minlength=10)
    assert counts[own] == 2500
    assert set(np.delete(counts, own)) <= {277, 278}
    assert counts.sum() == 5000


@pytest.mark.parametrize('num_classes', [2, 3, 7, 10])
@pytest.mark.parametrize('degree', [0.0, 0.1, 0.37, 0.5, 0.9, 1.0])
def test_class_totals_are_kept_and_clusters_of_even_classes_are_even(
  num_classes, degree
):
  counts = cluster_counts(np.full(num_classes, 101), degree)
  np.testing.assert_array_equal(counts.sum(axis=0), 101)
  np.testing.assert_array_equal(counts.sum(axis=1), 101)
  assert (counts >= 0).all()
  assert np.abs(np.diag(counts) - degree * 101).max() < 1


def test_uneven_classes_are_rounded_by_largest_remainder():
  # Class 0: 7 * (.5, .25, .25) = 3.5, 1.75, 1.75: +1 to each of the .75.
  # Class 1: 4 * (.25, .5, .25) = 1, 2, 1. Class 2: 9 * (...) = 2.25, 2.25, 4.5.
  counts = cluster_counts(np.array([7, 4, 9]), 0.5)
  np.testing.assert_array_equal(counts, [[3, 1, 2], [2, 2, 2], [2, 1, 5]])


def test_degree_of_one_over_rho_is_iid():
  counts = cluster_counts(np.full(10, 500), 0.1)
  np.testing.assert_array_equal(counts, np.full((10, 10), 50))


def test_degree_one_gives_each_cluster_its_own_class():
  labels = np.repeat([3, 8], 30)
  parts = imbalance(labels, 6, degree=1.0)
  assert [set(labels[part]) for part in parts] == [{3}] * 3 + [{8}] * 3


def test_clients_of_a_cluster_get_random_equal_parts():
  labels = np.repeat([0, 1], 101)
  parts = imbalance(labels, 4, degree=0.5)
  sizes = [len(part) for part in parts]
  assert sizes == [51, 50, 51, 50]
  assert all(0 < np.mean(labels[part]) < 1 for part in parts)


def test_refuses_clients_that_clusters_do_not_divide():
  labels = np.repeat(np.arange(10), 50)
  with pytest.raises(ValueError, match='multiple of the 10 classes; got 25'):
    imbalance(labels, 25, degree=0.5)
  with pytest.raises(ValueError, match='Use 20 or 30'):
    imbalance(labels, 25, degree=0.5)
  with pytest.raises(ValueError, match='Use 10 or 10'):
    imbalance(labels, 3, degree=0.5)


@pytest.mark.parametrize('degree', [-0.1, 1.1, float('nan')])
def test_refuses_a_degree_out_of_range(degree):
  with pytest.raises(ValueError, match='degree must be from 0 to 1'):
    imbalance(np.arange(10) % 2, 2, degree=degree)


def test_refuses_one_class():
  with pytest.raises(ValueError, match='at least 2 classes; got 1'):
    imbalance(np.zeros(10, int), 2, degree=0.5)


def test_refuses_to_leave_a_client_without_examples():
  labels = np.repeat([0, 1], [1, 20])  # Cluster 0 has one for two clients.
  with pytest.raises(ValueError, match='leaves client 1 without examples'):
    imbalance(labels, 4, degree=1.0)
