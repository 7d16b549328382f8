import numpy as np
import pytest
import tensorflow as tf
from crafting import context, craft, stack

from flsec import attacks

ROWS = stack(12, 40)
MASK = np.arange(40) % 5 == 0


def _hybrid(rows=ROWS, mask=MASK, **options):
  own = np.zeros((2, rows.shape[1]))
  return craft(
    'hybrid_sparse', own, rows, fields={'state': tf.constant(mask)}, **options
  )


def test_worked_example():
  # Two rows 1 +- sigma / sqrt(2) have mean 1 and sample std sigma.
  sigma = np.array([1.0, 2.0, 3.0, 4.0])
  rows = np.stack([1 + sigma / 2**0.5, 1 - sigma / 2**0.5])
  mask = np.array([False, True, False, False])
  crafted = _hybrid(rows, mask, scale=0.25)
  np.testing.assert_allclose(crafted, [[0.75, -2, 0.25, 0]] * 2, atol=1e-6)


def test_an_empty_mask_is_alie():
  np.testing.assert_allclose(
    _hybrid(mask=MASK & False), craft('alie', np.zeros((2, 40)), ROWS)
  )


def test_a_full_mask_is_alie_with_the_masked_scale():
  np.testing.assert_allclose(
    _hybrid(mask=MASK | True, masked_scale=2.0),
    craft('alie', np.zeros((2, 40)), ROWS, scale=2.0),
  )


def _min_sum_slack(crafted, bound):
  exact = ROWS.astype(np.float64)
  sums = ((exact[:, None] - exact[None]) ** 2).sum(axis=(1, 2))
  return getattr(sums, bound)() - ((crafted - exact) ** 2).sum()


@pytest.mark.parametrize('bound', ['min', 'max'])
def test_semi_adaptive_takes_the_largest_scale_within_min_sum(bound):
  crafted = _hybrid(policy='semi_adaptive', bound=bound, masked_scale=0.5)[0]
  exact = ROWS.astype(np.float64)
  mean, std = exact.mean(axis=0), exact.std(axis=0, ddof=1)
  shifts = (mean - crafted) / std
  np.testing.assert_allclose(shifts[MASK], 0.5, rtol=1e-4)
  adapted = shifts[~MASK].mean()
  np.testing.assert_allclose(shifts[~MASK], adapted, rtol=1e-4)
  at = lambda z: mean - np.where(MASK, 0.5, z) * std
  assert adapted > 0.1
  assert _min_sum_slack(at(adapted - 1e-4), bound) >= 0
  assert _min_sum_slack(at(adapted + 1e-4), bound) < 0


def test_semi_adaptive_without_a_mask_is_min_sum():
  np.testing.assert_allclose(
    _hybrid(mask=MASK & False, policy='semi_adaptive'),
    craft('min_sum', np.zeros((2, 40)), ROWS),
    atol=1e-5,
  )


def test_semi_adaptive_leaves_the_rest_at_the_mean_where_nothing_fits():
  crafted = _hybrid(policy='semi_adaptive', masked_scale=50.0)[0]
  np.testing.assert_allclose(
    crafted[~MASK], ROWS.mean(axis=0)[~MASK], atol=1e-5
  )


def test_semi_adaptive_needs_no_counts():
  fields = {'state': tf.constant(MASK), 'num_clients': None}
  crafted = craft(
    'hybrid_sparse', ROWS[:1], ROWS, fields=fields, policy='semi_adaptive'
  )
  assert np.isfinite(crafted).all()


@pytest.mark.parametrize('state', [None, ()])
def test_a_missing_mask_is_refused(state):
  attack = attacks.build('hybrid_sparse')
  with pytest.raises(ValueError, match=r'hybrid_sparse reads its mask'):
    attack.craft(ROWS, ROWS, context(state=state))


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'policy': 'adaptive'}, r'policy must be one of fixed, semi_adaptive'),
    ({'bound': 'mean'}, r'bound must be one of min, max'),
    ({'mask': 'none'}, r'mask must be one of random'),
    ({'scale': -0.5}, r'needs a finite scale >= 0; got -0.5'),
    ({'masked_scale': -1.0}, r'needs a finite masked_scale >= 0; got -1'),
    ({'keep_fraction': 2.0}, r'needs 0 < keep_fraction <= 1; got 2'),
  ],
)
def test_bad_options_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    attacks.build('hybrid_sparse', **options)
