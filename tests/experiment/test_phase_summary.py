"""Tests of what each phase came to."""

import math

import pytest

from flsec.experiment import metric_rows, summary
from flsec.experiment.phase_summary import phase_lines

ROWS = [
  {'round': 1, 'phase': 'train', 'phase/step': 1, 'time/round_seconds': 2.0},
  {
    'round': 2,
    'phase': 'train',
    'phase/step': 2,
    'test/accuracy': 0.9,
    'attack/success_rate': 1.0,
    'attack/clean_error_rate': 0.01,
    'time/round_seconds': 3.0,
  },
  {
    'round': 2,
    'phase': 'adjust',
    'phase/step': 1,
    'phase/point': 0,
    'test/accuracy': 0.95,
    'time/step_seconds': 0.5,
  },
  {
    'round': 2,
    'phase': 'adjust',
    'phase/step': 2,
    'phase/removed': 0,
    'phase/delta': math.inf,
    'test/accuracy': 0.8,
    'attack/success_rate': 0.25,
    'time/step_seconds': 0.25,
  },
  {
    'round': 3,
    'phase': 'train',
    'phase/step': 1,
    'test/accuracy': 0.85,
    'time/round_seconds': 4.0,
  },
]


def test_a_line_a_phase():
  train, adjust, again = phase_lines(ROWS)
  assert train == {
    'name': 'train',
    'round': 2,
    'rounds': 2,
    'steps': 0,
    'seconds': 5.0,
    'accuracy': 0.9,
    'success_rate': 1.0,
    'clean_error_rate': 0.01,
  }
  assert adjust == {
    'name': 'adjust',
    'round': 2,
    'rounds': 0,
    'steps': 1,
    'seconds': 0.75,
    'accuracy': 0.8,
    'success_rate': 0.25,
    'removed': 0,
    'delta': None,
  }
  assert (again['name'], again['rounds']) == ('train', 1)


def test_a_run_that_names_no_phases_has_no_lines():
  assert phase_lines([{'round': 1, 'test/accuracy': 0.5}]) == []
  assert 'phases' not in summary.summarize([{'round': 1}], seed=1)


def test_the_summary_counts_all_seconds_and_no_candidate():
  found = summary.summarize(ROWS, seed=1)
  assert found['seconds'] == 9.75
  assert found['best']['test/accuracy'] == {'value': 0.9, 'round': 2}
  assert not [name for name in found['final'] if name.startswith('phase')]
  assert len(found['phases']) == 3
  assert summary.last_tested(ROWS[:3]) == ROWS[1]


def _phased(accuracies):
  """Rounds of training, then a search and its outcome in rows of their own."""
  rows = [
    {
      'round': number,
      'phase': 'train',
      'phase/step': number,
      'test/accuracy': accuracy,
      'communication/volume_mib': 2.0,
    }
    for number, accuracy in enumerate(accuracies, start=1)
  ]
  last = {'round': len(rows), 'phase': 'prune', 'test/accuracy': 0.1}
  candidate = {**last, 'phase/step': 1, 'phase/point': 1}
  return [*rows, candidate, {**last, 'phase/step': 2}]


def test_steps_of_a_phase_are_no_rounds():
  rows = _phased([0.8, 0.9, 0.7, 0.6])
  assert metric_rows.of_rounds(rows) == rows[:4]
  plain = summary.summarize(rows[:4], seed=1, start_round=3)
  found = summary.summarize(rows, seed=1, start_round=3, critical_accuracy=0.85)
  # Worked by hand: 0.9 before the attack, 0.6 at the lowest. What pruning does
  # to the model is no fall of the attacked training.
  assert plain['negative_pulse'] == pytest.approx(0.3)
  assert found['negative_pulse'] == plain['negative_pulse']
  assert found['attacked_rounds'] == 2
  assert found['critical_round'] == 2
  assert found['critical_volume_mib'] == 4.0


def test_the_first_row_of_a_run_that_trains_nothing_stands_for_its_round():
  rows = _phased([])
  assert metric_rows.of_rounds(rows) == rows[:1]
