"""The bounds of tests hold for sums in any order, and for little else."""

import numpy as np
import pytest
import rounding


def _rows(length):
  rows = np.random.default_rng(length).normal(1.0, 3.0, size=[50, length])
  return rows.astype(np.float32)


@pytest.mark.parametrize('length', [2, 30, 3000])
@pytest.mark.parametrize('order', ['given', 'rising', 'falling', 'pairs'])
def test_sums_in_any_order_are_close(length, order):
  rows = _rows(length)
  exact = rows.astype(np.float64).sum(axis=1)
  if order == 'pairs':
    found = rows.sum(axis=1)  # NumPy adds pairwise.
  else:
    if order != 'given':
      rows = np.sort(rows, axis=1)[:, :: 1 if order == 'rising' else -1]
    found = np.cumsum(rows, axis=1, dtype=np.float32)[:, -1]
  terms = np.abs(rows).sum(axis=1)
  rounding.assert_close(found, exact, terms=terms, length=length)


@pytest.mark.parametrize('length', [2, 30, 3000])
def test_a_term_too_few_is_not_close(length):
  rows = _rows(length)
  exact = rows.astype(np.float64).sum(axis=1)
  terms = np.abs(rows).sum(axis=1)
  found = exact.astype(np.float32)
  found[7] = rows[7, 1:].sum(dtype=np.float64)
  with pytest.raises(AssertionError, match=r'1 of 50 .* at \(7,\)'):
    rounding.assert_close(found, exact, terms=terms, length=length)


def test_nan_and_other_shapes_are_not_close():
  with pytest.raises(AssertionError, match='1 of 2'):
    rounding.assert_within([np.nan, 1.0], [1.0, 1.0], 0.5)
  with pytest.raises(AssertionError, match=r'\(1,\), \(2,\)'):
    rounding.assert_within([1.0], [1.0, 1.0], 0.5)


def test_the_bound_by_hand():
  # Up to 64 terms by the number of roundings, then by its root.
  assert rounding.bound(2.0, length=10) == pytest.approx(20 * 2.0**-24)
  assert rounding.bound(1.0, length=100) == pytest.approx(80 * 2.0**-24)
