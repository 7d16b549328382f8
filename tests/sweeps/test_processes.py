"""Cells side by side: none is lost, none outlives the one that began it."""

import multiprocessing
import os
import pathlib
import signal
import subprocess
import sys

import fake_cells
import pytest
from waiting import SECONDS, wait_for

from flsec.experiment import failure
from flsec.sweeps import processes
from flsec.sweeps.display import Display

_HERE = pathlib.Path(__file__).parent


@pytest.fixture
def run(tmp_path, monkeypatch):
  """`run({name: what it does}) -> {name: Outcome}`, in processes of its own."""
  # The usual one would import TensorFlow first.
  context = multiprocessing.get_context('spawn')
  monkeypatch.setattr(processes, '_context', lambda: context)

  def called(cells, *, root=tmp_path, cores=2, fail_fast=False, **options):
    tasks = [fake_cells.task(root, name, do) for name, do in cells.items()]
    found = processes.run(
      tasks,
      fake_cells.OPTIONS,
      fake_cells.capacity_of(cores, len(tasks), **options),
      Display(tasks, is_quiet=True),
      fail_fast=fail_fast,
      run_cell=fake_cells.run_cell,
    )
    return {one.task.name: one for one in found}

  return called


def _failures(outcomes):
  return {name: one.failure for name, one in sorted(outcomes.items())}


class TestOutcomes:
  def test_a_failing_cell_does_not_end_the_others(self, run):
    outcomes = run({'a': 'fail:too_bad', 'b': 'round:1 round:3', 'c': ''})
    assert _failures(outcomes) == {'a': 'too_bad', 'b': None, 'c': None}
    assert outcomes['b'].metrics == {'test/accuracy': 0.5}

  @pytest.mark.parametrize(
    ('does', 'line'),
    [
      ('die:SIGKILL', 'its process was ended by SIGKILL (out of memory?)'),
      ('die:SIGSEGV', 'its process was ended by SIGSEGV'),
      ('exit:3', 'its process ended with exit code 3'),
    ],
  )
  def test_a_process_that_dies_is_noted_in_its_folder(
    self, run, tmp_path, does, line
  ):
    assert _failures(run({'a': does, 'b': ''})) == {'a': line, 'b': None}
    assert failure.read(tmp_path / 'a') == line
    assert failure.read(tmp_path / 'b') is None

  def test_fail_fast_ends_the_others_and_starts_no_more(self, run, tmp_path):
    cells = {'a': 'wait', 'b': 'fail:at_once', 'c': ''}
    outcomes = run(cells, wanted=2, fail_fast=True)
    assert _failures(outcomes) == {'b': 'at_once'}
    assert not (tmp_path / 'c').exists()
    assert failure.read(tmp_path / 'a') is None  # It may go on later.


def test_a_folder_that_goes_away_ends_the_sweep(run, tmp_path):
  root = tmp_path / 'sweep'
  root.mkdir()
  with pytest.raises(FileNotFoundError, match='its folder is gone') as caught:
    run({'a': 'take_away', 'b': '', 'c': ''}, root=root, wanted=1)
  assert caught.value.filename == str(root)
  assert not root.exists()  # Nor is it made anew.


class TestCapacity:
  def test_each_has_its_share_of_the_cores(self, run, tmp_path):
    run({'a': '', 'b': '', 'c': ''}, cores=9, wanted=3)
    shares = [(tmp_path / name / 'cores').read_text() for name in 'abc']
    assert shares == ['3', '3', '3']

  def test_one_goes_ahead_to_tell_what_it_needs(self, run, tmp_path):
    # Two of 400 bytes fit into a thousand: from then on two have nine cores.
    cells = {'a': 'needs:400', 'b': 'needs:400', 'c': 'needs:300'}
    run(cells, cores=9)
    shares = [(tmp_path / name / 'cores').read_text() for name in 'abc']
    assert shares == ['3', '4', '4']

  def test_a_cell_that_found_too_little_memory_is_tried_again(
    self, run, tmp_path
  ):
    outcomes = run({'a': 'starve:1', 'b': 'needs:1', 'c': ''}, wanted=2)
    assert _failures(outcomes) == {'a': None, 'b': None, 'c': None}

  def test_alone_it_fails(self, run):
    outcomes = run({'a': 'starve:1'}, wanted=2)
    assert _failures(outcomes) == {'a': 'not enough memory'}


def _hear_signals():
  # Tests under `nohup` ignore SIGHUP, those in the background SIGINT, and so
  # would their children.
  signal.signal(signal.SIGHUP, signal.SIG_DFL)
  signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.parametrize(
  ('number', 'code'),
  [
    (signal.SIGINT, 130),
    (signal.SIGTERM, 143),
    (signal.SIGHUP, 129),
    (signal.SIGKILL, -signal.SIGKILL),
  ],
)
def test_however_the_sweep_ends_no_process_is_left(tmp_path, number, code):
  environment = {**os.environ, 'PYTHONPATH': f'{_HERE}:{_HERE.parents[1]}'}
  sweep = subprocess.Popen(
    [sys.executable, str(_HERE / 'fake_cells.py'), str(tmp_path)],
    env=environment, stderr=subprocess.PIPE, text=True,
    preexec_fn=_hear_signals,
  )  # fmt: skip
  try:
    begun = ''
    while 'a: begun' not in begun or 'b: begun' not in begun:
      line = sweep.stderr.readline()
      assert line, begun
      begun += line
    pids = [int((tmp_path / name / 'pid').read_text()) for name in 'ab']
    sweep.send_signal(number)
    assert sweep.wait(SECONDS) == code
    for pid in pids:
      wait_for(pid)
  finally:
    sweep.kill()
    sweep.wait()
    sweep.stderr.close()
