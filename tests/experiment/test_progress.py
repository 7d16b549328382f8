"""A bar on a terminal, few plain lines elsewhere."""

import contextlib
import importlib.util
import io
import sys

import tqdm

from flsec.experiment.progress import Progress, bar_for


class _Terminal(io.StringIO):
  def isatty(self):
    return True


class _Clock:
  def __init__(self, step):
    self.now, self.step = 100.0, step

  def __call__(self):
    return self.now

  def tick(self):
    self.now += self.step


def _run(num_rounds, *, seconds_a_round, finished=0, metrics=None, label=''):
  stream, clock = io.StringIO(), _Clock(seconds_a_round)
  with contextlib.closing(Progress(stream, clock)) as progress:
    progress.begin(num_rounds, finished, label)
    for round_number in range(finished + 1, num_rounds + 1):
      clock.tick()
      progress.update(round_number, metrics or {})
  return stream.getvalue().splitlines()


class TestWithoutTerminal:
  def test_quick_rounds_give_ten_lines(self):
    lines = _run(1000, seconds_a_round=0.001)
    assert [line.split()[1].rstrip(':') for line in lines] == [
      f'{n}/1000' for n in range(100, 1001, 100)
    ]

  def test_slow_rounds_give_a_line_each(self):
    assert len(_run(50, seconds_a_round=60.0)) == 50

  def test_a_line_at_least_every_ten_seconds(self):
    lines = _run(1000, seconds_a_round=1.0)
    assert len(lines) == 100

  def test_few_rounds_give_a_line_each(self):
    assert len(_run(4, seconds_a_round=0.001)) == 4

  def test_a_line_has_metrics_rate_and_time_left(self):
    lines = _run(
      4,
      seconds_a_round=100.0,
      label='quickstart',
      metrics={
        'test/accuracy': 0.98765,
        'attack/error_rate': 0.25,
        'test/loss': 3.0,
      },
    )
    assert lines[0] == (
      'quickstart: round 1/4: accuracy 0.988, error rate 0.250, '
      '0.01 rounds/s, 5:00 left'
    )
    assert lines[-1].endswith('0.01 rounds/s')

  def test_a_metric_that_is_nan_does_not_show_an_older_value(self):
    stream = io.StringIO()
    with contextlib.closing(Progress(stream)) as progress:
      progress.begin(2, 0, '')
      progress.update(1, {'attack/success_rate': 0.5})
      progress.update(2, {'attack/success_rate': float('nan')})
    shown = [line.split(',')[0] for line in stream.getvalue().splitlines()]
    assert shown == [
      'round 1/2: attack success 0.500', 'round 2/2: attack success nan',
    ]  # fmt: skip

  def test_the_rate_of_a_resumed_run_leaves_out_earlier_rounds(self):
    lines = _run(100, seconds_a_round=50.0, finished=98)
    assert lines[0] == 'round 99/100: 0.02 rounds/s, 50 s left'

  def test_hours(self):
    lines = _run(100, seconds_a_round=3600.0, finished=96)
    assert lines[0].endswith('3:00:00 left')

  def test_no_carriage_returns(self):
    assert not any('\r' in line for line in _run(5, seconds_a_round=20.0))


class TestWithTerminal:
  def test_the_bar_shows_metrics_and_ends_complete(self):
    stream = _Terminal()
    with contextlib.closing(Progress(stream)) as progress:
      progress.begin(3, 0, 'cell')
      progress.update(1, {'test/accuracy': 0.5})
      progress.update(2, {'attack/error_rate': 0.125})
      progress.update(3, {})
    last = stream.getvalue().split('\r')[-1]
    assert '3/3' in last and 'cell' in last
    # A metric that was not measured in a round keeps its last value.
    assert 'accuracy=0.500' in last and 'error rate=0.125' in last

  def test_a_resumed_bar_starts_where_it_was(self):
    stream = _Terminal()
    with contextlib.closing(Progress(stream)) as progress:
      progress.begin(10, 7, '')
      assert '7/10' in stream.getvalue()
      progress.update(8, {})
    assert '8/10' in stream.getvalue().split('\r')[-1]


def test_a_run_that_ends_before_its_first_round_closes_quietly():
  stream = io.StringIO()
  Progress(stream).close()
  assert stream.getvalue() == ''


class TestUnknownLength:
  """Phases that stop when they will."""

  ROWS = (
    {'phase': 'train', 'phase/step': 1, 'test/accuracy': 0.5},
    {'phase': 'train', 'phase/step': 2, 'test/accuracy': 0.6},
    {'phase': 'prune', 'phase/step': 1, 'attack/success_rate': 0.25},
    {'phase': 'prune', 'phase/step': 2},
    {'phase': 'prune', 'phase/step': 3},
  )

  def _lines(self, stream, seconds):
    clock = _Clock(seconds)
    progress = Progress(stream=stream, clock=clock)
    progress.begin(None, 0, 'wu')
    for number, row in enumerate(self.ROWS, start=1):
      clock.tick()
      progress.update(number, row)
    progress.close()
    return stream.getvalue().splitlines()

  def test_a_line_a_phase(self):
    assert self._lines(io.StringIO(), 0.1) == [
      'wu: train 1: accuracy 0.500',
      'wu: prune 1: accuracy 0.600, attack success 0.250',
    ]

  def test_and_one_every_ten_seconds(self):
    lines = self._lines(io.StringIO(), 10.0)
    assert [line.split(': ')[1] for line in lines] == [
      'train 1',
      'train 2',
      'prune 1',
      'prune 2',
      'prune 3',
    ]

  def test_a_bar_names_the_phase(self):
    text = '\n'.join(self._lines(_Terminal(), 1.0))
    assert 'wu, prune' in text and '5round' in text


class TestInNotebooks:
  def _in_notebook(self, monkeypatch, has_widgets=False):
    stream = io.StringIO()
    monkeypatch.setattr(sys, 'stderr', stream)
    monkeypatch.setitem(sys.modules, 'ipykernel', object())
    monkeypatch.setattr(
      importlib.util,
      'find_spec',
      lambda name: object() if has_widgets else None,
    )
    return stream

  def test_a_line_is_written_over(self, monkeypatch):
    stream = self._in_notebook(monkeypatch)
    with contextlib.closing(Progress()) as progress:
      progress.begin(2, 0, 'mine')
      progress.update(1, {'test/accuracy': 0.5})
      progress.update(2, {'test/accuracy': 0.75})
    assert '\r' in stream.getvalue() and 'mine' in stream.getvalue()
    assert 'accuracy=0.750' in stream.getvalue()

  def test_or_a_widget_where_there_are_some(self, monkeypatch):
    from tqdm import notebook

    stream = self._in_notebook(monkeypatch, has_widgets=True)
    assert bar_for(stream) is notebook.tqdm

  def test_only_where_the_notebook_shows_it(self, monkeypatch):
    self._in_notebook(monkeypatch)
    assert bar_for(io.StringIO()) is None
    assert bar_for(_Terminal()) is tqdm.tqdm
