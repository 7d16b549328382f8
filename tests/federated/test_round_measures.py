"""Tests of what is measured on the stack in a round."""

import numpy as np
import pytest
import tensorflow as tf
import tiny_federation as tiny

from flsec import aggregators, attacks
from flsec.aggregators.rule import ServerContext
from flsec.config import schema
from flsec.federated import round_measures


def _escape(name, preaggregators=(), **options):
  server = schema.ServerConfig(
    aggregator=schema.Component(name, options), preaggregators=preaggregators
  )
  rule = aggregators.build(name, screened=False, **options)
  return round_measures.build_escape(server, rule)


_ROWS = tf.constant(
  [[0.0, 0, 0], [1, 1, 1], [2, 2, 2], [3, 3, 3], [-9, 1.5, 9]]
)
_MALICIOUS = tf.constant([False] * 4 + [True])
_EQUAL = tf.fill([5], 0.2)


@pytest.mark.parametrize(
  'options', [{'num_byzantine': 1}, {'trim_fraction': 0.2}]
)
def test_trimmed_mean_lets_one_of_three_entries_through(options):
  shares = _escape('trimmed_mean', **options)(_ROWS, _MALICIOUS, _EQUAL)
  assert float(shares['index']) == pytest.approx(1 / 3)


def test_median_is_malicious_in_one_of_three_columns():
  shares = _escape('median')(_ROWS, _MALICIOUS, _EQUAL)
  assert float(shares['index']) == pytest.approx(1 / 3)


def test_a_rule_that_selects_is_measured_by_client():
  selected = tf.constant([0.5, 0, 0, 0, 0.5])
  shares = _escape('multi_krum', num_byzantine=1)(_ROWS, _MALICIOUS, selected)
  assert float(shares['client']) == 1.0


def test_bulyan_is_measured_in_both_steps():
  rows = tf.constant(np.arange(14.0).reshape(7, 2), tf.float32)
  malicious = tf.constant([False] * 6 + [True])
  selected = tf.constant([1, 1, 1, 1, 1, 0, 0], tf.float32)
  shares = _escape('bulyan', num_byzantine=1)(rows, malicious, selected)
  assert sorted(shares) == ['client', 'cumulative', 'impact', 'index']
  assert float(shares['client']) == 0.0


def _measured(name, rows, malicious, **options):
  """Runs the rule, and returns what is measured of it and its result."""
  rule = aggregators.build(name, **options)
  context = ServerContext(seed=tf.constant([0, 0]))
  weights = tf.ones(len(rows))
  state = rule.initialize(rows.shape[1])
  _, update, found = rule.next(state, tf.constant(rows), weights, context)
  measure = _escape(name, **options)
  shares = measure(tf.constant(rows), tf.constant(malicious), found['selected'])
  return {key: float(share) for key, share in shares.items()}, update.numpy()


_F = {'num_byzantine': 3}


@pytest.mark.parametrize(
  ('name', 'options', 'by_row'),
  [
    ('trimmed_mean', _F, False),
    ('trimmed_mean', {'trim_fraction': 0.2}, False),
    ('mean_around_median', _F, False),
    ('bulyan', _F, False),
    ('bulyan', {**_F, 'replication': 'flbyz'}, False),
    ('krum', _F, True),
    ('multi_krum', _F, True),
    ('multi_krum', {**_F, 'replication': 'flbyz_2024'}, True),
    ('cosine_density', {**_F, 'replication': 'agramplifier'}, True),
    ('merged_density', _F, True),
    ('minimum_diameter', _F, True),
    ('dnc', _F, True),
    ('gas', {**_F, 'num_groups': 2}, True),
  ],
)
def test_a_measure_counts_what_its_rule_keeps(name, options, by_row):
  # What a rule keeps shows when it is touched: the result moves with it.
  rng = np.random.default_rng(5)
  rows = rng.standard_normal((15, 6)).astype(np.float32)
  malicious = np.arange(15) % 5 == 1
  rows[malicious] *= 0.7
  shares, update = _measured(name, rows, malicious, **options)
  moves = np.zeros((15, 6), bool)
  for row, column in np.argwhere(np.ones((15, 6))):
    touched = rows.copy()
    touched[row, column] += 1e-3
    _, changed = _measured(name, touched, malicious, **options)
    moves[row, column] = abs(changed - update)[column] > 1e-5
  kept = moves[malicious]
  if by_row:
    np.testing.assert_array_equal(kept.all(axis=1), kept.any(axis=1))
    assert shares == {'client': pytest.approx(kept.all(axis=1).mean())}
  else:
    total = 'cumulative' if name == 'bulyan' else 'index'
    assert shares[total] == pytest.approx(kept.mean())
    assert 0 < kept.mean() < 1


def test_amplified_bulyan_is_measured_as_bulyan_is():
  inner = {'name': 'bulyan', 'num_byzantine': 1, 'replication': 'flbyz'}
  rows = tf.random.stateless_normal([7, 9], seed=[0, 1])
  malicious = tf.range(7) < 2
  selected = tf.constant([0.2, 0, 0.2, 0.2, 0, 0.2, 0.2])
  plain = _escape('bulyan', num_byzantine=1, replication='flbyz')
  found = _escape('amplified', rule=inner)(rows, malicious, selected)
  assert found == plain(rows, malicious, selected)


def test_the_share_that_is_cut_is_the_rules():
  # 0.29 * 100 is 28.999999999999996: the rule cuts 29.
  rows = tf.range(100.0)[:, None]
  shares = [
    _escape('trimmed_mean', trim_fraction=0.29)(
      rows, tf.range(100) == place, tf.fill([100], 0.01)
    )['index']
    for place in (28, 29, 70, 71)
  ]
  assert [float(share) for share in shares] == [0, 1, 1, 0]


@pytest.mark.parametrize(
  ('name', 'options', 'wanted'),
  [
    # Of 0 1 2 3 4 and a row that was dropped the rules see five rows.
    ('trimmed_mean', {'num_byzantine': 1}, 0.5),
    ('trimmed_mean', {'trim_fraction': 0.2}, 0.5),
    ('median', {}, 0.0),
    ('mean_around_median', {'num_byzantine': 1}, 0.5),
  ],
)
def test_a_dropped_row_does_not_escape(name, options, wanted):
  rows = tf.constant([[1.0], [np.nan], [0], [2], [3], [4]])
  malicious = tf.range(6) < 2
  selected = tf.constant([0.2, 0, 0.2, 0.2, 0.2, 0.2])
  found = _escape(name, **options)(rows, malicious, selected)
  assert float(found['index']) == wanted


def test_nothing_is_defined_for_other_rules():
  assert _escape('sign_majority') is None
  stage = schema.Component('bucketing', {})
  assert _escape('median', preaggregators=(stage,)) is None


def test_cosine_of_the_mean_rows():
  rows = tf.constant([[1.0, 0], [1, 2], [-2, -2]])
  malicious = tf.constant([False, False, True])
  everyone = tf.constant([True] * 3)
  for takes_part in (everyone, None):
    found = round_measures.crafted_cosine(rows, malicious, takes_part)
    assert float(found) == pytest.approx(-1.0)


def test_cosine_of_the_rows_that_take_part():
  rows = tf.constant([[1.0, 0], [np.nan, 2], [0, 2], [np.inf, 1], [9, 9]])
  malicious = tf.constant([False, False, True, True, True])
  takes_part = tf.constant([True, False, True, False, False])
  found = round_measures.crafted_cosine(rows, malicious, takes_part)
  assert float(found) == 0.0
  rows = tf.constant([[3.0, 0], [np.nan, 2], [3, 3], [np.inf, 1], [9, 9]])
  found = round_measures.crafted_cosine(rows, malicious, takes_part)
  assert float(found) == pytest.approx(0.5**0.5)


@pytest.mark.parametrize('scale', [1e-30, 1.0, 1e25, 1e38])
def test_cosine_at_every_scale(scale):
  rows = tf.constant(np.float32([[scale, 0], [scale, -scale]]))
  found = round_measures.crafted_cosine(rows, tf.constant([True, False]), None)
  assert float(found) == pytest.approx(0.5**0.5)


def test_cosine_without_a_malicious_row_is_zero():
  found = round_measures.crafted_cosine(
    tf.ones([2, 3]), tf.constant([False] * 2), tf.constant([True] * 2)
  )
  assert float(found) == 0.0


def test_a_round_reports_them():
  malicious = [True, False, False, False, False]
  plan = tiny.plan(
    5,
    rule='median',
    attack=tiny.attack_plan(attacks.build('ipm', scale=2.0), malicious),
    escape=_escape('median'),
  )
  federated = tiny.federation([4] * 5)
  ((_, metrics),) = tiny.run(plan, tiny.structs(federated, malicious))
  assert metrics['attack/cosine_to_benign'] == pytest.approx(-1.0, abs=1e-5)
  assert 0 <= metrics['escape/index'] <= 1


def test_drift_is_measured_of_centered_clipping_alone():
  def radius(*rule, **more):
    return round_measures.drift_radius(
      schema.ServerConfig(aggregator=schema.Component(*rule), **more)
    )

  clipping = 'centered_clipping', {'radius': 0.5, 'num_iterations': 1}
  assert radius(*clipping) == 0.5
  before = (schema.Component('bucketing', {'bucket_size': 2}),)
  assert radius(*clipping, preaggregators=before) is None
  inner = {'rule': {'name': clipping[0], **clipping[1]}}
  assert radius('mean_statistics', inner) is None
  assert radius('median', {}) is None
