"""Multi-Krum."""

import numpy as np
import pytest
import rule_cases
import rule_references as reference

from flsec import aggregators

EXAMPLE = np.array([[0.0], [1], [2], [4], [100]], np.float32)


@pytest.mark.parametrize(
  ('options', 'wanted'),
  [
    ({}, 0.5),  # m = 2: rows 1 and 0, the tie with 2 broken by index.
    ({'num_selected': 4}, 1.75),
    ({'num_selected': 1}, 1.0),
    ({'num_selected': 5}, 21.4),
    ({'replication': 'flbyz_2024'}, 1.0),  # The sum of rows 1 and 0.
    ({'replication': 'byzfl'}, 1.75),  # m = n - f.
  ],
)
def test_worked_example(options, wanted):
  rule = aggregators.build('multi_krum', num_byzantine=1, **options)
  np.testing.assert_allclose(rule(EXAMPLE), [wanted], rtol=1e-6)


@pytest.mark.parametrize('scale', [1.0, 1e-3, 1e-5, 1e-8])
@pytest.mark.parametrize('m', [None, 1, 7, 15])
def test_values(scale, m):
  x = rule_cases.stack(1) * np.float32(scale)
  rule = aggregators.build('multi_krum', num_byzantine=3, num_selected=m)
  assert rule_cases.is_close(rule(x), reference.multi_krum(x, 3, m or 10))


def test_selecting_everybody_is_the_mean():
  x = rule_cases.stack(2)
  rule = aggregators.build('multi_krum', num_byzantine=0, num_selected=len(x))
  np.testing.assert_allclose(rule(x), x.mean(axis=0), rtol=1e-4)


def test_selecting_more_than_there_are_is_refused():
  rule = aggregators.build('multi_krum', num_byzantine=1, num_selected=9)
  assert rule.minimum_clients == 9
  with pytest.raises(ValueError, match='num_selected = 9'):
    rule(rule_cases.stack(0, clients=8))
  with pytest.raises(ValueError, match='num_selected must be 1 or more'):
    aggregators.build('multi_krum', num_byzantine=1, num_selected=0)


def test_variants_that_scale_the_step_do_not_claim_to_select_rows():
  for replication, claims in (('none', True), ('flbyz_2024', False)):
    rule = aggregators.build(
      'multi_krum', num_byzantine=1, replication=replication
    )
    assert rule.selects_rows is claims
