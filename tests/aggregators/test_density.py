"""The three density rules."""

import numpy as np
import pytest
import rule_cases
import rule_references as reference
import tensorflow as tf

from flsec import aggregators
from flsec.aggregators import density
from flsec.numerics import gram

NAMES = ['cosine_density', 'euclidean_density', 'merged_density']
COSINES = np.array(
  [[1, 0.9, 0.8, -0.2], [0.9, 1, 0.7, 0], [0.8, 0.7, 1, 0.1], [-0.2, 0, 0.1, 1]]
)


@pytest.mark.parametrize('replication', ['none', 'agramplifier'])
def test_worked_example(replication):
  options = density.DensityOptions(1, 3, replication)
  mask = density._white_list(tf.constant(COSINES), options)
  np.testing.assert_array_equal(mask, [1, 1, 1, 0])


def test_the_two_densities_of_the_worked_example():
  rows = [np.sort(row)[-3:].sum() for row in COSINES]
  np.testing.assert_allclose(rows, [2.7, 2.6, 2.5, 1.1])
  # A neighbourhood that is dense in itself, seen from a row that is not: the
  # sums over rows and over all pairs keep different clients.
  closeness = np.array([[1, 0, 0.5], [0, 1, 0.1], [0.5, 0.1, 1.0]])
  kept = [
    reference.densest(closeness, 2, 2, clique) for clique in (False, True)
  ]
  for clique, wanted in zip((False, True), kept):
    options = density.DensityOptions(1, 2, 'agramplifier' if clique else 'none')
    mask = density._white_list(tf.constant(closeness), options).numpy()
    assert set(np.flatnonzero(mask)) == wanted


@pytest.mark.parametrize(
  ('replication', 'neighbors'),
  [
    ('none', None),
    ('none', 5),
    ('none', 99),
    # With k = n all pairs are in every neighbourhood, and all clients tie.
    ('agramplifier', None),
    ('agramplifier', 5),
  ],
)
@pytest.mark.parametrize('scale', [1.0, 1e-8])
def test_values(replication, neighbors, scale):
  x = rule_cases.stack(1) * np.float32(scale)
  x[4] *= -2
  f, n = 3, len(x)
  k = min(neighbors or n - f, n)
  is_code = replication == 'agramplifier'
  unit = x / np.linalg.norm(x.astype(np.float64), axis=1, keepdims=True)
  rows = unit if is_code else x.astype(np.float64)
  near = -np.sqrt(reference.squared_distances(rows))
  by_cosine = reference.densest(reference.cosines(x), k, n - f, is_code)
  by_distance = reference.densest(near, k, n - f, is_code)
  wanted = dict(zip(NAMES, (by_cosine, by_distance, by_cosine & by_distance)))
  for name, kept in wanted.items():
    rule = aggregators.build(
      name, num_byzantine=f, num_neighbors=neighbors, replication=replication
    )
    update, measured = rule_cases.apply(rule, x)
    assert set(np.flatnonzero(measured['selected'])) == kept
    assert rule_cases.is_close(update, rows[sorted(kept)].mean(axis=0))


def test_a_row_against_all_others_is_left_out():
  x = rule_cases.stack(2)
  x[3] *= -1
  for name in NAMES:
    rule = aggregators.build(name, num_byzantine=1)
    assert rule_cases.apply(rule, x)[1]['selected'][3] == 0


def test_a_size_that_only_distance_sees():
  x = rule_cases.stack(3)
  x[3] *= 50
  selected = {
    name: rule_cases.apply(aggregators.build(name, num_byzantine=1), x)[1][
      'selected'
    ][3]
    for name in NAMES
  }
  assert selected['euclidean_density'] == 0
  assert selected['merged_density'] == 0


@pytest.mark.parametrize('replication', ['none', 'agramplifier'])
@pytest.mark.parametrize('name', NAMES)
def test_a_zero_row_gives_no_nan(name, replication):
  x = rule_cases.stack(4)
  x[0] = 0
  rule = aggregators.build(name, num_byzantine=3, replication=replication)
  assert np.all(np.isfinite(rule(x)))


def test_lists_without_a_common_client_give_zero():
  def only(index):
    closeness = -np.abs(np.arange(3) - index).astype(np.float64)
    return lambda rows, norms: tf.constant(
      np.minimum.outer(closeness, closeness)
    )

  rule = density.density_rule(
    'none', (only(0), only(2)), density.DensityOptions(1, 1, 'none')
  )
  x = rule_cases.stack(5, clients=3)
  update, measured = rule_cases.apply(rule, x)
  assert measured['selected'].sum() == 1  # Two of three each: one in common.
  np.testing.assert_allclose(update, x[1], rtol=1e-6)


def test_distances_of_rows_scaled_by_other_norms():
  # (3, 4), (6, 8) and (0, 1) divided by 5, 5 and 2.
  rows = tf.constant([[3.0, 4], [6, 8], [0, 1]])
  norms = tf.constant([5.0, 5, 2], tf.float64)
  found = density.euclidean_closeness(rows, norms)
  a, b, c = (0.6, 0.8), (1.2, 1.6), (0.0, 0.5)
  wanted = [
    [-np.hypot(*np.subtract(p, q)) for q in (a, b, c)] for p in (a, b, c)
  ]
  np.testing.assert_allclose(found, wanted, atol=1e-12)


@pytest.mark.parametrize('scale', [1e-8, 1.0, 1e20])
def test_equal_rows_stay_equal_when_they_are_scaled(scale):
  x = rule_cases.stack(6) * np.float32(scale)
  x[3] = x[5] = x[1]
  norms = tf.sqrt(gram.squared_norms(tf.constant(x)))
  closeness = density.euclidean_closeness(tf.constant(x), norms).numpy()
  assert closeness[1, 3] == closeness[3, 5] == 0
  np.testing.assert_array_equal(closeness[1], closeness[3])


@pytest.mark.parametrize('name', NAMES)
@pytest.mark.parametrize('replication', ['none', 'agramplifier'])
def test_half_of_the_clients_may_be_malicious(name, replication):
  # Figure 11 of the paper goes up to M_f = 50 %: what matters is k > n / 2.
  rule = aggregators.build(name, num_byzantine=5, replication=replication)
  assert rule.minimum_clients == 10
  x = rule_cases.stack(8, clients=10)
  x[:5] = np.random.default_rng(80).standard_normal((5, x.shape[1]))
  update, measured = rule_cases.apply(rule, x)
  # Five rows that agree, and six neighbours: one stranger for each of them.
  np.testing.assert_array_equal(
    np.flatnonzero(measured['selected']), range(5, 10)
  )
  rows = x[5:].astype(np.float64)
  if replication != 'none':
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
  assert rule_cases.is_close(update, rows.mean(axis=0))
  with pytest.raises(
    ValueError, match=r'at least 10 clients \(n >= 2 f.*got n=9'
  ):
    rule(x[:9])


@pytest.mark.parametrize('name', NAMES)
def test_refusals(name):
  with pytest.raises(ValueError, match=f'{name}: num_byzantine must be 0'):
    aggregators.build(name, num_byzantine=-1)
  with pytest.raises(ValueError, match=f'{name}: num_neighbors must be 1'):
    aggregators.build(name, num_byzantine=1, num_neighbors=0)
  with pytest.raises(ValueError, match="none, agramplifier; got 'code'"):
    aggregators.build(name, num_byzantine=1, replication='code')
