"""Runs are listed, compared and removed; none by mistake."""

import io

import made_up_runs
import pytest

from flsec import main
from flsec.experiment import failure, folder_lock


@pytest.fixture
def runs(tmp_path):
  """Two experiments: one of two seeds, one that failed."""
  for name, seed, done in (
    ('old', 1, True),
    ('old', 2, True),
    ('new', 1, False),
  ):
    path = made_up_runs.write_run(
      tmp_path / 'runs' / name / f'seed={seed}',
      made_up_runs.config(name=name, seed=seed),
      made_up_runs.rows(seed, rounds=12),
      done=done,
    )
  failure.note_of_the_dead(path, 'ended by signal 9')
  return tmp_path / 'runs'


@pytest.fixture
def call(capsys):
  def called(*arguments):
    with pytest.raises(SystemExit) as ended:
      main.run_app(['flsec', *map(str, arguments)])
    return ended.value.code or 0, *capsys.readouterr()

  return called


class _Terminal(io.StringIO):
  def isatty(self):
    return True


class TestList:
  def test_a_row_a_run(self, call, runs):
    code, text, _ = call('runs', runs)
    rows = {line.split()[0]: line.split() for line in text.splitlines()[4:]}
    assert code == 0 and list(rows) == [
      'new/seed=1',
      'old/seed=1',
      'old/seed=2',
    ]
    assert rows['new/seed=1'][1:5] == ['failed', '12', '30', '1']
    assert rows['old/seed=2'][1:5] == ['done', '12', '30', '2']
    files = [p for p in (runs / 'old' / 'seed=1').rglob('*') if p.is_file()]
    size = sum(file.stat().st_size for file in files)
    assert rows['old/seed=1'][5] == f'{size / 2**20:.1f}'

  def test_one_that_is_being_written(self, call, runs):
    lock = folder_lock.acquire(runs / 'new' / 'seed=1')
    try:
      assert 'new/seed=1  running' in call('runs', runs)[1]
    finally:
      folder_lock.release(lock)


class TestCompare:
  def test_experiments_are_told_apart_by_their_names(
    self, call, runs, tmp_path
  ):
    made_up_runs.write_run(
      runs / 'third' / 'seed=1', made_up_runs.config(name='third', seed=1)
    )
    output = tmp_path / 'both'
    code, text, _ = call(
      'compare', runs / 'old', runs / 'third', f'--output_dir={output}'
    )
    assert code == 0 and (output / 'report.html').exists()
    assert 'old' in text and 'third' in text and '(n=2)' in text

  def test_one_folder_is_no_comparison(self, call, runs):
    code, _, error = call('compare', runs / 'old')
    assert code == 2 and 'takes two or more folders' in error


class TestRemove:
  @pytest.mark.parametrize('answer', ['\n', 'n\n', 'maybe\n'])
  def test_nothing_without_a_yes(self, call, runs, monkeypatch, answer):
    monkeypatch.setattr('sys.stdin', _Terminal(answer))
    code, text, _ = call('remove', runs / 'old')
    assert code == 1 and 'Remove 2 runs (2 done, ' in text
    assert (runs / 'old' / 'seed=1' / 'DONE').exists()

  def test_with_a_yes_those_runs_alone(self, call, runs, monkeypatch):
    monkeypatch.setattr('sys.stdin', _Terminal('y\n'))
    (runs / 'old' / 'notes.txt').write_text('mine')
    code, text, _ = call('remove', runs / 'old')
    assert code == 0 and 'Removed 2 runs' in text
    assert [p.name for p in (runs / 'old').iterdir()] == ['notes.txt']
    assert (runs / 'new' / 'seed=1').exists()

  def test_without_a_terminal_only_when_told_to(self, call, runs, monkeypatch):
    monkeypatch.setattr('sys.stdin', io.StringIO('y\n'))
    code, _, error = call('remove', runs / 'old')
    assert code == 2 and 'Add --yes' in error
    assert (runs / 'old' / 'seed=1').exists()
    assert call('remove', runs / 'old', '--yes')[0] == 0
    assert not (runs / 'old' / 'seed=1').exists()

  def test_a_run_that_is_being_written_is_kept(self, call, runs):
    lock = folder_lock.acquire(runs / 'new' / 'seed=1')
    try:
      code, _, error = call('remove', runs, '--yes')
    finally:
      folder_lock.release(lock)
    assert code == 2 and 'is being written by another process' in error
    assert (runs / 'old' / 'seed=1').exists()


@pytest.mark.parametrize('command', ['runs', 'remove'])
def test_a_folder_that_is_not_there(call, command):
  code, _, error = call(command, '/absent')
  assert code == 2 and '/absent is no folder' in error


def test_a_folder_without_runs(call, tmp_path):
  for command in ('runs', 'remove'):
    code, _, error = call(command, tmp_path)
    assert code == 2 and 'holds no run' in error
