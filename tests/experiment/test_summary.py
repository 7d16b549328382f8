"""The summary's numbers, worked out by hand."""

import json
import math

import pytest

from flsec.experiment import summary

ROWS = [
  {'round': 1, 'test/accuracy': 0.5, 'test/loss': 2.0, 'time/round_seconds': 9},
  {'round': 2, 'test/accuracy': 0.9, 'test/loss': 0.5, 'time/round_seconds': 1},
  {'round': 3, 'attack/error_rate': math.nan, 'time/round_seconds': 1},
  {
    'round': 4,
    'test/accuracy': 0.8,
    'test/loss': math.inf,
    'attack/error_rate': 0.25,
    'time/round_seconds': 1,
    'pruning/dense/units': 2,
  },
  {
    'round': 5,
    'test/accuracy': 0.7,
    'attack/error_rate': 0.75,
    'time/round_seconds': 2,
    'pruning/dense/units': 1,
    'pruning/a/b/units': 3,
  },
]


def _rounds(rows):
  return [row['round'] for row in rows]


class TestAttackedRounds:
  @pytest.mark.parametrize(
    ('bounds', 'expected'),
    [
      ((), []),
      ((None, 4), []),
      ((3,), [3, 4, 5]),
      ((3, 4), [3, 4]),
      ((1, None, 2), [1, 3, 5]),
      ((6,), []),
    ],
  )
  def test_from_the_configuration(self, bounds, expected):
    assert _rounds(summary.attacked_rounds(ROWS, *bounds)) == expected

  def test_what_was_recorded_wins(self):
    rows = [{'round': n, 'attack/active': n == 2} for n in (1, 2, 3)]
    assert _rounds(summary.attacked_rounds(rows, 1)) == [2]


class TestSummarize:
  @pytest.fixture
  def found(self):
    return summary.summarize(ROWS, seed=42, start_round=3)

  def test_final_is_the_last_row_alone(self, found):
    assert found['final'] == {
      'test/accuracy': 0.7,
      'test/loss': None,  # The last row has none; an older one is no answer.
      'attack/error_rate': 0.75,
      'pruning/dense/units': 1,
      'pruning/a/b/units': 3,
    }

  def test_best_is_highest_accuracy_and_lowest_loss(self, found):
    assert found['best'] == {
      'test/accuracy': {'value': 0.9, 'round': 2},
      'test/loss': {'value': 0.5, 'round': 2},
      'attack/error_rate': {'value': 0.25, 'round': 4},
    }

  def test_means_over_attacked_rounds_leave_out_what_was_not_measured(
    self, found
  ):
    assert found['attacked_rounds'] == 3
    assert found['rounds_above_f'] == 0
    assert found['attacked_mean']['attack/error_rate'] == 0.5
    assert found['attacked_mean']['test/accuracy'] == pytest.approx(0.75)

  def test_the_rest(self, found):
    assert found['rounds'] == 5 and found['seed'] == 42
    assert found['accuracy_before_attack'] == 0.9
    assert found['negative_pulse'] == pytest.approx(0.2)  # 0.9 to 0.7.
    assert found['pruned_units'] == {'dense': 3, 'a/b': 3}
    assert (found['seconds'], found['seconds_per_round']) == (14, 1)
    assert found['versions']['numpy'].count('.') == 2

  def test_seconds_of_the_rule_are_added_up(self):
    rows = [
      {'round': 1, 'time/rule_seconds': 0.25, 'time/attack_seconds': 7.0},
      {'round': 2, 'time/rule_seconds': 0.5},
    ]
    found = summary.summarize(rows, seed=1)
    assert found['aggregation_seconds'] == 0.75
    assert summary.summarize([], seed=1)['aggregation_seconds'] is None

  @pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf])
  def test_no_older_round_stands_in_for_a_number_that_is_not_finite(
    self, value
  ):
    rows = [
      {'round': 1, 'test/accuracy': 0.9, 'test/loss': 0.5, 'attack/x': 0.1},
      {'round': 2, 'test/accuracy': 0.1, 'test/loss': value, 'attack/x': value},
    ]
    found = summary.summarize(rows, seed=1, start_round=1)
    assert found['final'] == {
      'test/accuracy': 0.1, 'test/loss': None, 'attack/x': None,
    }  # fmt: skip
    # A diverged model counts; an attack that had nothing to measure does not.
    assert found['attacked_mean']['test/loss'] is None
    if math.isnan(value):
      assert found['attacked_mean']['attack/x'] == 0.1
    found = summary.summarize(
      [*rows, {'round': 3, 'test/accuracy': 0.2}], seed=1, start_round=3
    )
    assert found['accuracy_before_attack'] == 0.1

  def test_before_the_attack_is_one_row(self):
    rows = [
      {'round': 1, 'test/accuracy': 0.9},
      {'round': 2, 'test/accuracy': math.nan},
      {'round': 3, 'test/accuracy': 0.5},
    ]
    found = summary.summarize(rows, seed=1, start_round=3)
    assert found['accuracy_before_attack'] is None

  def test_it_is_json(self, found):
    assert json.loads(json.dumps(found, allow_nan=False)) == found

  def test_no_attack(self):
    found = summary.summarize(ROWS, seed=1)
    assert found['accuracy_before_attack'] is None
    assert found['attacked_mean']['attack/error_rate'] is None

  def test_an_attack_from_the_first_round_has_no_before(self):
    found = summary.summarize(ROWS, seed=1, start_round=1)
    assert found['accuracy_before_attack'] is None

  def test_no_rows(self):
    found = summary.summarize([], seed=1, start_round=1)
    assert found['rounds'] == 0 and found['final'] == {}
    assert found['seconds_per_round'] is None


class TestCriticalPoint:
  # Tested every second round; 3, 2 and 1 MiB a round.
  ROWS = [
    {
      'round': n,
      'communication/volume_mib': 3.0,
      'communication/up_mib': 2.0,
      'communication/down_mib': 1.0,
      **({'test/accuracy': accuracy} if n % 2 == 0 else {}),
    }
    for n, accuracy in enumerate([0, 0.5, 0, 0.8, 0, 0.7, 0, 0.9], start=1)
  ]

  def test_the_first_test_that_is_good_enough(self):
    found = summary.critical_point(self.ROWS, 0.6)
    assert found == {
      'critical_accuracy': 0.6,
      'critical_round': 4,
      'critical_volume_mib': 12.0,
      'critical_up_mib': 8.0,
      'critical_down_mib': 4.0,
    }

  def test_never_reached(self):
    found = summary.critical_point(self.ROWS, 0.95)
    assert found.pop('critical_accuracy') == 0.95
    assert set(found.values()) == {None}
    assert set(summary.critical_point([], 0.5).values()) == {0.5, None}

  def test_not_asked_for(self):
    assert set(summary.critical_point(self.ROWS, None).values()) == {None}

  def test_a_round_that_was_not_measured_leaves_no_volume(self):
    rows = [dict(row) for row in self.ROWS]
    del rows[2]['communication/volume_mib']
    found = summary.critical_point(rows, 0.6)
    assert found['critical_round'] == 4
    assert found['critical_volume_mib'] is None
    assert found['critical_up_mib'] == 8.0

  def test_it_is_part_of_the_summary(self):
    found = summary.summarize(self.ROWS, seed=1, critical_accuracy=0.6)
    assert summary.critical_point(self.ROWS, 0.6).items() <= found.items()
    assert json.loads(json.dumps(found, allow_nan=False)) == found


class TestSteadiness:
  def _rows(self, accuracies, **more):
    return [
      {'round': n, **more, **({} if a is None else {'test/accuracy': a})}
      for n, a in enumerate(accuracies, start=1)
    ]

  def test_of_tested_rounds(self):
    accuracies = [0.1, None, 0.9, 0.3, None, 0.8]
    found = summary.summarize(self._rows(accuracies), seed=1)
    assert found['last_tests'] == {
      'tests': 1, 'median': 0.8, 'lowest': 0.8, 'highest': 0.8,
    }  # fmt: skip
    assert found['deepest_fall'] == {
      'depth': pytest.approx(0.6), 'from_round': 3, 'to_round': 4,
    }  # fmt: skip
    assert json.loads(json.dumps(found, allow_nan=False)) == found

  def test_nothing_was_tested_or_it_never_fell(self):
    nothing = {'last_tests': None, 'deepest_fall': None}
    assert summary.steadiness_of(self._rows([None, None])) == nothing
    found = summary.steadiness_of(self._rows([0.1, 0.2]))
    assert found['deepest_fall'] is None

  def test_tests_of_an_earlier_phase_are_not_of_the_end(self):
    rows = self._rows([0.9, 0.2], phase='train')
    rows.append({'round': 2, 'phase': 'prune', 'phase/step': 1})
    for number, accuracy in ((3, 0.6), (4, 0.5)):
      rows.append({'round': number, 'phase': 'tune', 'test/accuracy': accuracy})
    found = summary.steadiness_of(rows)
    assert found['last_tests']['median'] == 0.5
    assert found['deepest_fall'] == {
      'depth': pytest.approx(0.1), 'from_round': 3, 'to_round': 4,
    }  # fmt: skip

  def test_a_test_without_a_number_is_not_passed_over(self):
    accuracies = [0.5, *[0.9] * 17, math.nan, 0.8]
    found = summary.summarize(self._rows(accuracies), seed=1)
    assert found['last_tests'] == {
      'tests': 2, 'median': None, 'lowest': None, 'highest': None,
    }  # fmt: skip
    assert found['deepest_fall'] == {
      'depth': pytest.approx(0.1), 'from_round': 18, 'to_round': 20,
    }  # fmt: skip
    json.dumps(found, allow_nan=False)


def test_rounds_with_more_malicious_clients_than_told_are_counted():
  rows = [{'round': i, summary.ABOVE_F: n} for i, n in enumerate([0, 2, 1], 1)]
  assert summary.summarize([*rows, {'round': 4}], seed=1)['rounds_above_f'] == 2
