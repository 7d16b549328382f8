import numpy as np
import pytest

from flsec.data.partition import k_label
from flsec.data.partition.k_label import deal_labels

_LABELS = np.repeat(np.arange(10), 60)


def _holds(parts):
  return np.stack([np.bincount(_LABELS[p], minlength=10) > 0 for p in parts])


@pytest.mark.parametrize(
  ('num_clients', 'num_labels'), [(10, 3), (10, 5), (7, 3), (50, 3), (13, 9)]
)
def test_labels_a_client_and_holders_a_label(num_clients, num_labels):
  holds = _holds(k_label(_LABELS, num_clients, num_labels=num_labels))
  assert (holds.sum(axis=1) == num_labels).all()
  holders = holds.sum(axis=0)
  exact = num_clients * num_labels / 10
  assert set(holders) <= {int(np.floor(exact)), int(np.ceil(exact))}


def test_one_label_each():
  parts = k_label(_LABELS, 10, num_labels=1)
  labels = [set(_LABELS[part]) for part in parts]
  assert all(len(one) == 1 for one in labels)
  assert set.union(*labels) == set(range(10))
  assert all(len(part) == 60 for part in parts)


def test_all_labels_is_even():
  parts = k_label(_LABELS, 10, num_labels=10)
  counts = np.stack([np.bincount(_LABELS[part]) for part in parts])
  np.testing.assert_array_equal(counts, np.full((10, 10), 6))


def test_a_label_is_shared_equally_by_its_holders():
  parts = k_label(_LABELS, 14, num_labels=5)
  counts = np.stack([np.bincount(_LABELS[p], minlength=10) for p in parts])
  for column in counts.T:
    shares = column[column > 0]
    assert shares.sum() == 60 and shares.max() - shares.min() <= 1


def test_dealing_is_balanced_for_every_size():
  rng = np.random.default_rng(0)
  for num_classes in (2, 5, 10):
    for num_labels in range(1, num_classes + 1):
      for num_clients in (1, 2, 7, 23):
        holds = deal_labels(num_clients, num_labels, num_classes, rng)
        assert (holds.sum(axis=1) == num_labels).all()
        assert np.ptp(holds.sum(axis=0)) <= 1


def test_unheld_labels_stay_unused_and_are_said(caplog):
  with caplog.at_level('WARNING', logger='absl'):
    parts = k_label(_LABELS, 2, num_labels=3)
  holds = _holds(parts)
  assert holds.sum() == 6 and sum(map(len, parts)) == 6 * 60
  unheld = np.flatnonzero(~holds.any(axis=0)).tolist()
  assert f'no client holds the labels {unheld}; their 240' in caplog.text


def test_no_warning_when_every_label_is_held(caplog):
  with caplog.at_level('WARNING', logger='absl'):
    k_label(_LABELS, 10, num_labels=1)
  assert not caplog.records


@pytest.mark.parametrize('num_labels', [0, 11])
def test_refuses_a_number_of_labels_out_of_range(num_labels):
  with pytest.raises(ValueError, match='from 1 to the 10 labels there are'):
    k_label(_LABELS, 10, num_labels=num_labels)


def test_refuses_more_holders_than_examples():
  labels = np.repeat([0, 7], [50, 2])
  with pytest.raises(ValueError, match='Label 7 has 2 examples for 5 clients'):
    k_label(labels, 5, num_labels=2)


class TestRandomAssignment:
  def test_every_client_draws_for_itself(self):
    """What one client holds does not depend on how many there are."""
    few, many = (
      _holds(k_label(_LABELS, n, num_labels=3, assignment='random', seed=4))
      for n in (6, 12)
    )
    assert (many.sum(axis=1) == 3).all()
    np.testing.assert_array_equal(many[:6], few)

  def test_the_number_of_holders_varies(self):
    holders = np.concatenate(
      [
        _holds(
          k_label(_LABELS, 10, num_labels=3, assignment='random', seed=seed)
        ).sum(axis=0)
        for seed in range(200)
      ]
    )
    # Binomial(10, 0.3): mean 3, variance 2.1 (of 2,000: 3 errors are 0.1, 0.2).
    assert abs(holders.mean() - 3) < 1e-9  # 30 labels are held in each.
    assert abs(holders.var() - 2.1) < 0.25
    assert holders.min() == 0 and holders.max() >= 7

  def test_a_held_label_is_shared_whole(self):
    parts = k_label(_LABELS, 10, num_labels=3, assignment='random', seed=1)
    used = np.concatenate(parts)
    held = _holds(parts).any(axis=0)
    np.testing.assert_array_equal(np.sort(used), np.flatnonzero(held[_LABELS]))

  def test_an_unknown_assignment_is_refused(self):
    with pytest.raises(ValueError, match=r"'even'.*Allowed: dealt, random"):
      k_label(_LABELS, 5, num_labels=3, assignment='even')
