"""Tests of what each phase came to."""

import math

from flsec.experiment import summary
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
