"""What every partition promises."""

import functools

import numpy as np
import pytest

from flsec import registry
from flsec.data import partition

_LABELS = np.random.default_rng(5).integers(0, 10, 1203)
_WRITERS = np.random.default_rng(6).integers(0, 40, 1203)
_SCHEMES = {
  'iid': partition.iid,
  'stratified': partition.stratified,
  'dirichlet by client': functools.partial(partition.dirichlet, alpha=0.5),
  'dirichlet by class': functools.partial(
    partition.dirichlet, alpha=0.5, by='class'
  ),
  'imbalance': functools.partial(partition.imbalance, degree=0.5),
  'k_label': functools.partial(partition.k_label, num_labels=3),
  'by_writer': functools.partial(partition.by_writer, writers=_WRITERS),
  'extreme': partition.extreme,
  'gamma_similarity': functools.partial(partition.gamma_similarity, gamma=0.4),
}
_every_scheme = pytest.mark.parametrize(
  'scheme', _SCHEMES.values(), ids=_SCHEMES
)


def test_every_registered_scheme_is_tested_and_public():
  assert sorted({name.split()[0] for name in _SCHEMES}) == list(
    registry.entries('partition')
  )
  for name, entry in registry.entries('partition').items():
    assert getattr(partition, name) is entry.load()
    assert entry.paper and entry.summary and 'seed' in entry.option_names


@_every_scheme
def test_disjoint_complete_and_ascending(scheme):
  parts = scheme(_LABELS, 20, seed=3)
  assert len(parts) == 20
  assert all((np.diff(part) > 0).all() for part in parts)
  np.testing.assert_array_equal(
    np.sort(np.concatenate(parts)), np.arange(len(_LABELS))
  )


@_every_scheme
def test_same_seed_same_split_other_seed_other_split(scheme):
  first, same, other = (scheme(_LABELS, 20, seed=seed) for seed in (3, 3, 4))
  for left, right in zip(first, same):
    np.testing.assert_array_equal(left, right)
  assert any(
    len(left) != len(right) or (left != right).any()
    for left, right in zip(first, other)
  )


@_every_scheme
def test_names_of_labels_do_not_matter(scheme):
  for left, right in zip(scheme(_LABELS, 20), scheme(3 * _LABELS + 2, 20)):
    np.testing.assert_array_equal(left, right)


@_every_scheme
def test_every_client_has_an_example(scheme):
  assert min(map(len, scheme(_LABELS, 40))) >= 1


@_every_scheme
@pytest.mark.parametrize(
  ('labels', 'num_clients', 'message'),
  [
    (_LABELS, 1204, '1204 clients cannot share 1203 examples'),
    (_LABELS, 0, 'num_clients must be at least 1; got 0'),
    (_LABELS - 1, 20, 'at least 0; got -1'),
    (_LABELS.astype(float), 20, r'whole-number labels \[M\]; got float64'),
    (_LABELS[:, None], 20, r'whole-number labels \[M\]'),
  ],
)
def test_refuses_bad_input(scheme, labels, num_clients, message):
  with pytest.raises(ValueError, match=message):
    scheme(labels, num_clients)
