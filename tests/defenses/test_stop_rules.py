"""Tests of stop rules."""

import numpy as np
import pytest

from flsec.defenses import stop_rules
from flsec.defenses.phase import Score
from flsec.defenses.stop_rules import StopRule


def _search(rule, accuracies, losses=None):
  """Returns (kept point, points that were asked for)."""
  asked = []

  def score(point):
    asked.append(point)
    loss = float('nan') if losses is None else losses[point]
    return Score(accuracies[point], loss)

  kept = stop_rules.search(rule, score, len(accuracies) - 1)
  assert asked == list(range(len(asked)))
  return kept, len(asked)


# Slow decline, then a fall, then a recovery.
CURVE = [0.980, 0.975, 0.971, 0.966, 0.962, 0.940, 0.972, 0.50]


@pytest.mark.parametrize(
  ('name', 'kept', 'asked'),
  [
    # 0.962 to 0.940 is the first fall of more than a point.
    ('step', 4, 6),
    # 0.980 - 0.966 = 0.014 is the first that is more than a point in all.
    ('cumulative', 2, 4),
    # 0.972 is the last within a point of 0.980.
    ('largest_acceptable', 6, 8),
  ],
)
def test_each_rule_by_hand(name, kept, asked):
  assert _search(StopRule(name, 0.01), CURVE) == (kept, asked)


@pytest.mark.parametrize('name', stop_rules.STOPS)
def test_a_drop_of_exactly_the_bound_is_accepted(name):
  """0.97 - 0.96 is 0.010000000000000009 in binary."""
  assert 0.97 - 0.96 > 0.01
  assert _search(StopRule(name, 0.01), [0.97, 0.96])[0] == 1
  assert _search(StopRule(name, 0.01), [0.97, 0.9599])[0] == 0


@pytest.mark.parametrize('name', stop_rules.STOPS)
def test_nothing_is_kept_where_the_first_point_costs_too_much(name):
  assert _search(StopRule(name, 0.01), [0.9, 0.5, 0.4])[0] == 0


@pytest.mark.parametrize('name', stop_rules.STOPS)
def test_no_point_is_no_search(name):
  assert _search(StopRule(name), [0.9]) == (0, 1)


@pytest.mark.parametrize('name', stop_rules.STOPS)
def test_a_drop_of_one_stops_nothing(name):
  rng = np.random.default_rng(0)
  assert _search(StopRule(name, 1.0), rng.random(20))[0] == 19


@pytest.mark.parametrize(
  ('name', 'kept'),
  [('step', 2), ('cumulative', 2), ('largest_acceptable', 6)],
)
def test_the_least_accuracy_ends_the_search(name, kept):
  rule = StopRule(name, 1.0, min_accuracy=0.97)
  assert _search(rule, CURVE)[0] == kept


def test_the_loss_ends_it_too():
  losses = [0.1, 0.12, 0.2, 0.11]
  rule = StopRule('cumulative', 1.0, max_loss_rise=0.05)
  assert _search(rule, [0.9] * 4, losses)[0] == 1
  rule = rule._replace(name='largest_acceptable')
  assert _search(rule, [0.9] * 4, losses)[0] == 3
  assert _search(rule, [0.9] * 2, [0.1, float('nan')])[0] == 0


def _brute_force(name, accuracies, max_drop):
  """From the definitions, on whole counts of 1000 images."""
  counts = [round(1000 * a) for a in accuracies]
  limit = round(1000 * max_drop)
  if name == 'largest_acceptable':
    return max(k for k, c in enumerate(counts) if counts[0] - c <= limit)
  drops = [
    (counts[k - 1] if name == 'step' else counts[0]) - counts[k]
    for k in range(1, len(counts))
  ]
  return next((k for k, drop in enumerate(drops) if drop > limit), len(drops))


@pytest.mark.parametrize('name', stop_rules.STOPS)
def test_against_brute_force(name):
  rng = np.random.default_rng(5)
  kept = set()
  for _ in range(300):
    steps = rng.integers(-15, 8, 12)
    counts = np.clip(950 + np.cumsum([0, *steps]), 0, 1000)
    accuracies = (counts / 1000).tolist()
    max_drop = rng.integers(0, 20) / 1000
    found = _search(StopRule(name, max_drop), accuracies)[0]
    assert found == _brute_force(name, accuracies, max_drop)
    kept.add(found)
  assert len(kept) > 8


@pytest.mark.parametrize(
  ('rule', 'message'),
  [
    (StopRule('stop'), "stop of prune 'stop'; did you mean 'step'"),
    (StopRule(max_drop=-0.1), 'max_drop must be 0 to 1; got -0.1'),
    (StopRule(max_drop=1.5), 'max_drop must be 0 to 1; got 1.5'),
    (StopRule(max_drop=float('nan')), 'max_drop must be 0 to 1; got nan'),
    (StopRule(min_accuracy=2.0), 'min_accuracy must be 0 to 1; got 2.0'),
    (StopRule(max_loss_rise=-1.0), 'max_loss_rise must be 0 or more'),
  ],
)
def test_rules_that_mean_nothing_are_refused(rule, message):
  with pytest.raises(ValueError, match=message):
    stop_rules.check(rule, 'prune')
