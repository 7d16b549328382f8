"""A few inputs of each subject; `make faults` tries as many as one likes."""

import re

import campaign
import odd_bytes
import pytest
import subjects

_INPUTS = 12


@pytest.mark.parametrize(
  'name',
  [
    # A rule's graph takes seconds to build.
    pytest.param(name, marks=pytest.mark.slow if name == 'stacks' else ())
    for name in subjects.SUBJECTS
  ],
)
def test_odd_inputs_are_accepted_or_refused(name, tmp_path):
  for number in range(_INPUTS):
    seen, trace = campaign.try_one(name, 0, number, tmp_path)
    assert seen in (subjects.ACCEPTED, subjects.REFUSED), (
      f'make faults ARGS="--only={name} --input={number}"\n{trace}'
    )


def test_another_exception_is_a_finding(monkeypatch, tmp_path):
  def odd(rng, folder):
    raise KeyError('odd')

  monkeypatch.setitem(subjects.SUBJECTS, 'odd', odd)
  seen, trace = campaign.try_one('odd', 0, 0, tmp_path)
  assert seen == campaign.FOUND and "KeyError: 'odd'" in trace


def test_an_input_is_the_same_every_time():
  content = bytes(range(200))
  first, again, other = (
    odd_bytes.damaged(content, odd_bytes.seeded(0, 'x', number))
    for number in (1, 1, 2)
  )
  assert first == again != other


def test_damage_is_some():
  content = bytes(range(200))
  damaged = [
    odd_bytes.damaged(content, odd_bytes.seeded(number))
    for number in range(100)
  ]
  assert len(set(damaged) - {content}) > 80


@pytest.mark.slow
def test_a_killed_run_comes_out_the_same(capfd):
  assert campaign.stopped(seed=0, kills=1, disks=0) == 0
  assert re.search(r'^kills +[1-9]', capfd.readouterr().out, re.M)


@pytest.mark.slow
def test_a_small_disk_ends_a_run_in_one_line():
  assert campaign.stopped(seed=0, kills=0, disks=2) == 0
