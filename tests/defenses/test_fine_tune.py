"""Tests of fine-tuning's decision."""

import pytest

from flsec.defenses import fine_tune
from flsec.defenses.phase import MASK, SCORE


@pytest.mark.parametrize(
  ('scores', 'patience', 'expected'),
  [
    ([0.9], 3, (False, 0)),
    ([0.9, 0.91], 1, (False, 1)),
    ([0.9, 0.91, 0.91], 1, (True, 1)),  # The first of equals.
    ([0.9, 0.8], 1, (True, 0)),
    ([0.9, 0.8, 0.85], 3, (False, 0)),
    ([0.9, 0.8, 0.85, 0.89], 3, (True, 0)),
    ([0.9, 0.8, 0.85, 0.92], 3, (False, 3)),
    ([0.9, 0.95, 0.94, 0.93, 0.95], 3, (True, 1)),
    ([0.9, 0.9 + 1e-12], 1, (True, 0)),  # A rounding is no gain.
  ],
)
def test_by_hand(scores, patience, expected):
  assert fine_tune.verdict(scores, patience) == expected


def test_the_phase_judges_with_its_patience():
  phase = fine_tune.fine_tune(patience=2, max_rounds=7)
  assert phase.needs == {MASK, SCORE}
  assert phase.rounds.most == 7
  assert phase.rounds.judge([0.9, 0.8]) == (False, 0)
  assert phase.rounds.judge([0.9, 0.8, 0.8]) == (True, 0)


@pytest.mark.parametrize('option', ['max_rounds', 'patience'])
def test_impossible_options_are_refused(option):
  with pytest.raises(ValueError, match=f'{option} >= 1; got 0'):
    fine_tune.fine_tune(**{option: 0})
