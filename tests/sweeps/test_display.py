"""One line for all cells, and one for each that ends."""

import io
import pathlib

import fake_cells
import pytest

from flsec.sweeps.display import Display
from flsec.sweeps.task import Outcome


class _Clock:
  now = 100.0

  def __call__(self):
    return self.now


class _Terminal(io.StringIO):
  def isatty(self):
    return True


@pytest.fixture
def clock():
  return _Clock()


def _tasks(*names):
  return [fake_cells.task(pathlib.Path('runs'), name) for name in names]


def _done(task, seconds=7.0, **metrics):
  return Outcome(task, None, metrics, seconds)


class TestWithoutTerminal:
  def test_what_is_done_running_and_left(self, clock):
    stream = io.StringIO()
    a, b = tasks = _tasks('a', 'b')
    display = Display(tasks, done_before=4, stream=stream, clock=clock)
    for task in tasks:
      display.started(task)
      display.begun(task, 3, 0)
    clock.now += 20.0
    display.round(a, 1)
    display.round(a, 2)
    display.ended(_done(a, **{'test/accuracy': 0.5}))
    display.ended(Outcome(b, 'no memory', {}, 1.0))
    assert stream.getvalue().splitlines() == [
      # One round of six in twenty seconds.
      '4/6 cells done, 2 running, 0 failed: round 1/6, 1:40 left',
      '[5/6] a: done in 7 s, accuracy 0.500',
      '[6/6] b: FAILED: no memory',
    ]

  def test_rounds_of_earlier_sessions_do_not_make_it_faster(self, clock):
    stream = io.StringIO()
    (a,) = tasks = _tasks('a')
    display = Display(tasks, stream=stream, clock=clock)
    display.started(a)
    display.begun(a, 12, 8)
    clock.now += 10.0
    display.round(a, 9)
    assert stream.getvalue().endswith('round 9/12, 30 s left\n')

  def test_a_cell_of_unknown_length_grows(self, clock):
    stream = io.StringIO()
    (a,) = tasks = _tasks('a')
    display = Display(tasks, stream=stream, clock=clock)
    display.started(a)
    display.begun(a, None, 0)
    for number in (2, 5):
      clock.now += 10.0
      display.round(a, number)
    planned = a.experiment.rounds
    assert planned == 3
    lines = stream.getvalue().splitlines()
    assert lines[0].endswith('round 2/3, 5 s left')
    assert lines[1].endswith('round 5/5')

  def test_a_cell_that_is_tried_again_begins_anew(self, clock):
    stream = io.StringIO()
    (a,) = tasks = _tasks('a')
    display = Display(tasks, stream=stream, clock=clock)
    display.started(a)
    display.round(a, 2)
    display.started(a)
    clock.now += 10.0
    display.refresh()
    assert stream.getvalue().endswith('1 running, 0 failed: round 0/3\n')

  def test_quiet_says_nothing(self, clock):
    stream = io.StringIO()
    (a,) = tasks = _tasks('a')
    display = Display(tasks, is_quiet=True, stream=stream, clock=clock)
    display.started(a)
    clock.now += 100.0
    display.round(a, 1)
    display.ended(_done(a))
    display.close()
    assert stream.getvalue() == ''


class TestWithTerminal:
  def test_one_bar_over_the_rounds_of_all(self):
    stream = _Terminal()
    a, b = tasks = _tasks('a', 'b')
    display = Display(tasks, stream=stream)
    display.started(a)
    display.begun(a, 3, 0)
    display.round(a, 3)
    display.ended(_done(a))
    display.started(b)
    display.ended(Outcome(b, 'too bad', {}, 1.0))
    display.close()
    text = stream.getvalue()
    assert '[1/2] a: done in 7 s' in text
    assert '[2/2] b: FAILED: too bad' in text
    last = text.split('\r')[-1]
    # The rounds of a cell that failed are no longer waited for.
    assert '1/2 cells done, 0 running, 1 failed' in last and '3/3' in last
