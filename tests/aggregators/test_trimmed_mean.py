"""The trimmed mean."""

import numpy as np
import pytest
import rule_cases
import rule_references as reference

from flsec import aggregators


def test_worked_example():
  x = np.array([[-100.0], [1], [2], [3], [50]], np.float32)
  assert aggregators.build('trimmed_mean', num_byzantine=1)(x) == 2.0


@pytest.mark.parametrize('cut', [0, 1, 5, 7])
def test_a_number_of_values(cut):
  x = rule_cases.stack(cut)
  rule = aggregators.build('trimmed_mean', num_byzantine=cut)
  np.testing.assert_allclose(rule(x), reference.trimmed_mean(x, cut), 1e-4)


@pytest.mark.parametrize(
  ('share', 'clients', 'cut'),
  [(0.2, 5, 1), (0.2, 14, 2), (0.49, 3, 1), (0.1, 9, 0), (0.29, 100, 29)],
)
def test_a_share_is_rounded_down(share, clients, cut):
  x = rule_cases.stack(cut, clients=clients)
  rule = aggregators.build('trimmed_mean', trim_fraction=share)
  wanted = reference.trimmed_mean(x, cut)
  assert rule_cases.is_close(rule(x), wanted)
  # The same where a dropped row makes n dynamic.
  with_bad = np.concatenate([x, np.full_like(x[:1], np.nan)])
  assert rule_cases.is_close(rule(with_bad), wanted)


def test_cutting_nothing_is_the_mean():
  x = rule_cases.stack(3)
  rule = aggregators.build('trimmed_mean', trim_fraction=0.0)
  np.testing.assert_allclose(rule(x), x.mean(axis=0), rtol=1e-4)


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({}, 'exactly one of num_byzantine and trim_fraction'),
    ({'num_byzantine': 1, 'trim_fraction': 0.1}, 'exactly one of'),
    ({'trim_fraction': 0.5}, r'at least 0 and below 0\.5.*got 0\.5'),
    ({'trim_fraction': -0.1}, 'at least 0'),
    ({'num_byzantine': -1}, 'num_byzantine must be 0 or more; got -1'),
  ],
)
def test_refusals(options, message):
  with pytest.raises(ValueError, match=message):
    aggregators.build('trimmed_mean', **options)


def test_more_values_than_clients_are_refused():
  rule = aggregators.build('trimmed_mean', num_byzantine=4)
  assert rule.minimum_clients == 9
  with pytest.raises(ValueError, match=r'n > 2 f with f = num_byzantine = 4'):
    rule(rule_cases.stack(0, clients=8))
