"""`flsec run` from outside: whole runs, killed runs, interrupted runs."""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import small_experiment

from flsec.experiment import metric_rows

# Runs in processes of their own: seconds each, before the first round begins.
# CI runs them, too (.ci/run); test_kill_and_resume kills within this process.
slow = pytest.mark.slow
_DEADLINE_SECONDS = 300
# Enough rounds that a run can be caught in the middle.
_ROUNDS = 30
_LONG = (f'--set=rounds={_ROUNDS}', '--set=evaluation.every=10')


def _environment():
  """A user's environment, without what the tests set for TensorFlow."""
  return {k: v for k, v in os.environ.items() if not k.startswith('TF_')}


def _hear_interrupts():
  # Tests in the background ignore SIGINT, and so would their children.
  signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope='module')
def config(tmp_path_factory):
  return small_experiment.write(
    tmp_path_factory.mktemp('config') / 'small.yaml'
  )


@pytest.fixture
def flsec(config, repository):
  """`flsec(output_dir, *flags) -> the started process`."""
  started = []

  def start(output_dir, *flags):
    command = [
      *(sys.executable, '-m', 'flsec.main', 'run', f'--config={config}'),
      f'--output_dir={output_dir}',
      *flags,
    ]
    started.append(
      subprocess.Popen(
        command,
        cwd=repository,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=_environment(),
        preexec_fn=_hear_interrupts,
      )
    )
    return started[-1]

  yield start
  for process in started:
    if process.poll() is None:
      process.kill()
    process.communicate()


@pytest.fixture(scope='module')
def whole(config, repository, tmp_path_factory):
  """A run that nothing stopped, its output read through a pipe by `tail`."""
  output_dir = tmp_path_factory.mktemp('whole')
  words = [
    *(sys.executable, '-m', 'flsec.main', 'run', f'--config={config}'),
    *(f'--output_dir={output_dir}', *_LONG),
  ]
  ended = subprocess.run(
    ['bash', '-c', 'set -o pipefail; "$@" | tail -1', 'bash', *words],
    cwd=repository,
    env=_environment(),
    capture_output=True,
    text=True,
    timeout=_DEADLINE_SECONDS,
    check=False,
  )
  assert ended.returncode == 0, ended.stderr
  return _cell(output_dir), ended.stdout


def _cell(output_dir):
  (cell,) = pathlib.Path(output_dir, 'small').iterdir()
  return cell


def _wait_for_rounds(process, output_dir, count):
  """Waits until so many rounds are on disk; returns the cell."""
  deadline = time.monotonic() + _DEADLINE_SECONDS
  while time.monotonic() < deadline:
    for rows in pathlib.Path(output_dir).glob('small/*/metrics.jsonl'):
      if rows.read_bytes().count(b'\n') >= count:
        return rows.parent
    if process.poll() is not None:
      pytest.fail(f'It ended too soon: {process.communicate()[1]}')
    time.sleep(0.002)
  pytest.fail(f'No {count} rounds within {_DEADLINE_SECONDS} s.')


def _untimed(cell):
  rows = metric_rows.read_rows(cell / 'metrics.jsonl')
  return [
    # As text: a number that is none is the same as itself.
    repr({k: v for k, v in row.items() if not k.startswith('time/')})
    for row in rows
  ]


def _csv_untimed(cell):
  lines = [
    line.split(',') for line in (cell / 'metrics.csv').read_text().splitlines()
  ]
  kept = [i for i, k in enumerate(lines[0]) if not k.startswith('time/')]
  return [[line[i] for i in kept] for line in lines]


def _final_state(cell):
  path = cell / 'checkpoints' / f'round_{_ROUNDS:06d}.npz'
  with np.load(path) as archive:
    return {name: archive[name] for name in archive.files}


@slow
class TestWhole:
  def test_leaves_its_files(self, whole):
    cell, _ = whole
    for name in ('DONE', 'metrics.csv', 'summary.json', 'config.yaml'):
      assert (cell / name).stat().st_size > 0, name
    assert list(cell.glob('report.*')) and list(cell.glob('events.out.*'))
    assert not list(cell.rglob('*.partial'))

  def test_ends_with_its_report_when_piped(self, whole):
    cell, last_line = whole
    assert last_line.startswith('Report: ') and str(cell) in last_line

  def test_has_a_row_a_round(self, whole):
    rows = metric_rows.read_rows(whole[0] / 'metrics.jsonl')
    rounds = [row['round'] for row in rows]
    assert rounds == list(range(1, _ROUNDS + 1))

  def test_again_does_nothing(self, whole, flsec):
    before = {p: p.stat().st_mtime_ns for p in whole[0].iterdir()}
    process = flsec(whole[0].parent.parent, *_LONG)
    text, _ = process.communicate(timeout=_DEADLINE_SECONDS)
    assert process.returncode == 0 and 'is done already' in text
    assert {p: p.stat().st_mtime_ns for p in whole[0].iterdir()} == before


@slow
def test_killed_and_resumed_is_the_same_run(whole, flsec, tmp_path):
  process = flsec(tmp_path, *_LONG)
  cell = _wait_for_rounds(process, tmp_path, 3)
  process.kill()
  process.communicate()
  assert not (cell / 'DONE').exists()
  assert len(_untimed(cell)) < _ROUNDS
  process = flsec(tmp_path, *_LONG)
  _, error = process.communicate(timeout=_DEADLINE_SECONDS)
  assert process.returncode == 0, error
  assert (cell / 'DONE').exists()
  assert _untimed(cell) == _untimed(whole[0])
  assert _csv_untimed(cell) == _csv_untimed(whole[0])
  expected = _final_state(whole[0])
  found = _final_state(cell)
  assert list(found) == list(expected)
  for name, value in expected.items():
    assert found[name].tobytes() == value.tobytes(), name


def _workers_of(pid):
  """Returns the ids of the TFF workers that a process, or its gate, started."""
  found = []
  for task in pathlib.Path(f'/proc/{pid}/task').iterdir():
    with contextlib.suppress(OSError):
      for child in (task / 'children').read_text().split():
        name = pathlib.Path(f'/proc/{child}/comm').read_text()
        if name.startswith('worker_binary'):
          found.append(int(child))
        found += _workers_of(int(child))
  return found


@slow
def test_interrupted_on_tffs_worker_leaves_no_process(flsec, tmp_path):
  flags = (*_LONG, '--set=runtime.context=tff_local', '--set=pruning=null')
  process = flsec(tmp_path, *flags)
  cell = _wait_for_rounds(process, tmp_path, 1)
  (worker,) = _workers_of(process.pid)
  process.send_signal(signal.SIGINT)
  _, error = process.communicate(timeout=_DEADLINE_SECONDS)
  assert process.returncode == 130
  assert not pathlib.Path(f'/proc/{worker}').exists()
  assert 'the same command goes on from there' in error
  assert f'--output_dir={tmp_path}' in error and 'Traceback' not in error
  assert len(_untimed(cell)) >= 1 and not (cell / 'DONE').exists()


class TestRefusals:
  def _refused(self, flsec, output_dir, *flags):
    process = flsec(output_dir, *flags)
    _, error = process.communicate(timeout=_DEADLINE_SECONDS)
    assert process.returncode == 2, error
    assert error.startswith('flsec: error: ') and 'Traceback' not in error
    return error

  def test_unknown_key(self, flsec, tmp_path):
    error = self._refused(
      flsec, tmp_path / 'out', '--set=server.agregator=mean'
    )
    assert "did you mean 'aggregator'" in error
    assert not (tmp_path / 'out').exists()

  def test_missing_data(self, flsec, tmp_path):
    error = self._refused(
      flsec,
      tmp_path / 'out',
      '--set=dataset={name: cifar10}',
      f'--data_dir={tmp_path}',
    )
    assert str(tmp_path) in error
    assert not list(tmp_path.rglob('metrics.*'))

  def test_truncated_archive(self, flsec, tmp_path):
    (tmp_path / 'mnist.npz').write_bytes(b'PK\x03\x04' + bytes(1000))
    error = self._refused(
      flsec,
      tmp_path / 'out',
      '--set=dataset={name: mnist}',
      f'--data_dir={tmp_path}',
    )
    assert 'mnist.npz' in error
    assert (tmp_path / 'mnist.npz').stat().st_size == 1004
    assert not list(tmp_path.rglob('metrics.*'))

  def test_folder_that_cannot_be_written(self, flsec, tmp_path):
    (tmp_path / 'file').write_text('mine')
    error = self._refused(flsec, tmp_path / 'file' / 'runs')
    assert 'cannot be written' in error and '--output_dir' in error
    assert (tmp_path / 'file').read_text() == 'mine'

  @slow
  def test_cell_of_another_configuration(self, whole, flsec):
    cell = whole[0]
    before = {p: p.read_bytes() for p in cell.iterdir() if p.is_file()}
    renamed = cell.with_name('rounds=5,seed=1')
    cell.rename(renamed)
    try:
      flags = ('--set=rounds=5', '--set=seed=1')
      self._is_another(flsec, cell.parent.parent, renamed, flags)
    finally:
      renamed.rename(cell)
    after = {p: p.read_bytes() for p in cell.iterdir() if p.is_file()}
    assert after == before

  def _is_another(self, flsec, output_dir, cell, flags):
    error = self._refused(flsec, output_dir, *flags)
    assert 'was made by another configuration' in error
    assert str(cell) in error
