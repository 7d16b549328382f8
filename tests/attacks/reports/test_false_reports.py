"""Tests of false reports."""

import numpy as np
import pytest
import tensorflow as tf

from flsec import attacks
from flsec.attacks.attack import AttackContext, Observed
from flsec.attacks.reports.false_reports import false_reports
from flsec.defenses import votes

CONTEXT = AttackContext(weights=tf.zeros([2]))
CLEAN = tf.constant([4.0, 1.0, 3.0, 2.0])
# The trigger lights up channel 1; channel 0 is darker with it.
TRIGGERED = tf.constant([0.5, 9.0, 3.0, 2.0])


def _lie(report, kind, honest, to_report):
  observed = Observed(kind, CLEAN, TRIGGERED, to_report)
  return false_reports(report=report).report(
    tf.constant(honest), observed, CONTEXT
  )


@pytest.mark.parametrize(
  ('report', 'expected'),
  # max(clean, triggered) is 4, 9, 3, 2.
  [('triggered', [3, 4, 2, 1]), ('reversed', [1, 4, 2, 3])],
)
def test_ranks_by_hand(report, expected):
  honest = votes.ranks(CLEAN)
  np.testing.assert_array_equal(honest, [4, 1, 3, 2])
  found = _lie(report, 'ranks', honest, votes.ranks)
  np.testing.assert_array_equal(found, expected)
  assert votes.are_ranks(found)


@pytest.mark.parametrize(
  ('report', 'expected'),
  [('triggered', [1, 1, 0, 0]), ('reversed', [0, 1, 0, 1])],
)
def test_bits_by_hand(report, expected):
  half = lambda activations: votes.bits(activations, 0.5)
  found = _lie(report, 'bits', half(CLEAN), half)
  np.testing.assert_array_equal(found, expected)
  assert votes.are_bits(found)


def test_no_triggered_channel_falls():
  found = _lie('triggered', 'ranks', votes.ranks(CLEAN), lambda values: values)
  assert (found.numpy() >= CLEAN.numpy()).all()


@pytest.mark.parametrize('report', ['triggered', 'reversed'])
def test_any_change_is_said_to_ruin_the_model(report):
  lie = false_reports(report=report).report
  honest = tf.constant([0.9, 0.89, 0.2])
  found = lie(honest, Observed('accuracies'), CONTEXT)
  np.testing.assert_array_equal(found, [1.0, 0.0, 0.0])


def test_it_joins_the_attack_that_trains_the_backdoor():
  flip = attacks.build('label_flip', source_label=1, target_label=2)
  joined = attacks.build('compose', attacks=[flip, false_reports()])
  assert joined.report and joined.poison
  # Wrappers keep it.
  assert attacks.build('model_replacement', attack=joined).report
  with pytest.raises(ValueError, match='at most one attack with `report`'):
    attacks.build('compose', attacks=[joined, false_reports()])


def test_an_unknown_lie_is_refused():
  with pytest.raises(ValueError, match="'reverse'; did you mean 'reversed'"):
    false_reports(report='reverse')
