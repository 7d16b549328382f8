"""Tests of training as a phase."""

import pytest

from flsec.defenses.train import train


def test_it_runs_the_experiments_rounds_or_its_own():
  assert train().rounds.most is None
  assert train(rounds=3).rounds.most == 3
  assert train().rounds.judge is None and train().decide is None
  assert not train().needs


def test_no_rounds_are_refused():
  with pytest.raises(ValueError, match='rounds >= 1; got 0'):
    train(rounds=0)
