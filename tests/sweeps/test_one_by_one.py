"""One cell after another, in this process."""

import gc
import shutil
import weakref

import fake_cells
import pytest
from absl import logging

from flsec.experiment import folder_lock
from flsec.sweeps import one_by_one


def _run(tmp_path, cells, **options):
  """Runs cells that raise what they are given; returns (outcomes, calls)."""
  calls = []

  def run_cell(experiment, *, directory, **more):
    logging.warning('This is %s.', directory.name)
    calls.append((directory.name, more))
    if cells[directory.name] is not None:
      raise cells[directory.name]

  outcomes = one_by_one.run(
    [fake_cells.task(tmp_path, name) for name in cells],
    fake_cells.OPTIONS,
    run_cell,
    watcher=lambda: 'watcher',
    begun=lambda task: calls.append(f'begun {task.name}'),
    ended=lambda one: calls.append(f'ended {one.task.name}'),
    **options,
  )
  return {one.task.name: one.failure for one in outcomes}, calls


def test_a_failing_cell_does_not_end_the_others(tmp_path):
  cells = {'a': ValueError('too bad'), 'b': KeyError('x'), 'c': None}
  failures, calls = _run(tmp_path, cells)
  assert failures == {'a': 'too bad', 'b': "KeyError: 'x'", 'c': None}
  assert calls[0] == 'begun a' and calls[2:4] == ['ended a', 'begun b']
  assert calls[1] == (
    'a',
    {
      'data_dir': '',
      'resume': True,
      'profile': False,
      'watcher': 'watcher',
      'prefixes': (),
    },
  )


def test_what_a_cell_leaves_is_gone_before_the_next(tmp_path):
  class Graph:
    """Refers to itself, so that only Python's collector frees it."""

    def __init__(self):
      self.itself = self

  left, alive = [], []

  def run_cell(experiment, **more):
    alive.append([one() is not None for one in left])
    left.append(weakref.ref(Graph()))

  gc.disable()
  try:
    one_by_one.run(
      [fake_cells.task(tmp_path, name) for name in ('a', 'b', 'c')],
      fake_cells.OPTIONS,
      run_cell,
      watcher=lambda: None,
      begun=lambda task: None,
      ended=lambda outcome: None,
    )
  finally:
    gc.enable()
  assert alive == [[], [False], [False, False]]


def test_fail_fast(tmp_path):
  failures, _ = _run(
    tmp_path, {'a': ValueError('x'), 'b': None}, fail_fast=True
  )
  assert failures == {'a': 'x'}


def test_the_error_of_a_cell_alone_is_the_callers(tmp_path):
  with pytest.raises(KeyError):
    _run(tmp_path, {'a': KeyError('x')}, is_alone=True)


@pytest.mark.parametrize('error', [KeyboardInterrupt(), SystemExit(143)])
def test_an_interruption_ends_the_sweep(tmp_path, error):
  with pytest.raises(type(error)):
    _run(tmp_path, {'a': error, 'b': None})


def test_each_has_a_log_of_its_own(tmp_path):
  _run(tmp_path, {'a': None, 'b': None})
  for name, other in ('ab', 'ba'):
    log = (tmp_path / name / 'log.txt').read_text()
    assert f'This is {name}.' in log and f'This is {other}.' not in log


def test_a_folder_that_another_process_holds_gets_none(tmp_path):
  (tmp_path / 'a').mkdir()
  lock = folder_lock.acquire(tmp_path / 'a')
  try:
    _run(tmp_path, {'a': None})
  finally:
    folder_lock.release(lock)
  assert not (tmp_path / 'a' / 'log.txt').exists()


def test_a_folder_that_goes_away_ends_the_sweep(tmp_path):
  root = tmp_path / 'sweep'
  root.mkdir()
  tasks = [fake_cells.task(root, name) for name in 'abc']

  def run_cell(experiment, *, directory, **more):
    shutil.rmtree(root)
    raise FileNotFoundError('where is it?')

  with pytest.raises(FileNotFoundError, match='its folder is gone') as caught:
    one_by_one.run(
      tasks,
      fake_cells.OPTIONS,
      run_cell,
      watcher=lambda: None,
      begun=lambda task: None,
      ended=lambda outcome: None,
    )
  assert caught.value.filename == str(root) and not root.exists()
