"""Tests of what is measured on the stack in a round."""

import numpy as np
import pytest
import tensorflow as tf
import tiny_federation as tiny

from flsec import aggregators, attacks
from flsec.config import schema
from flsec.federated import round_measures


def _escape(name, n=5, preaggregators=(), **options):
  server = schema.ServerConfig(
    aggregator=schema.Component(name, options), preaggregators=preaggregators
  )
  rule = aggregators.build(name, screened=False, **options)
  return round_measures.build_escape(server, rule, n)


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
  shares = _escape('bulyan', n=7, num_byzantine=1)(rows, malicious, selected)
  assert sorted(shares) == ['client', 'cumulative', 'impact', 'index']
  assert float(shares['client']) == 0.0


def test_nothing_is_defined_for_other_rules():
  assert _escape('sign_majority') is None
  stage = schema.Component('bucketing', {})
  assert _escape('median', preaggregators=(stage,)) is None


def test_cosine_of_the_mean_rows():
  rows = tf.constant([[1.0, 0], [1, 2], [-2, -2]])
  malicious = tf.constant([False, False, True])
  found = round_measures.crafted_cosine(rows, malicious)
  assert float(found) == pytest.approx(-1.0)


def test_cosine_without_a_malicious_row_is_zero():
  found = round_measures.crafted_cosine(
    tf.ones([2, 3]), tf.constant([False] * 2)
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
