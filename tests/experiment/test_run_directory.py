"""A run directory is refused, taken up or skipped; nothing in it is lost."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from flsec.experiment import folder_lock, run_directory
from flsec.experiment.run_directory import RunDirectory, RunDirectoryError

CONFIG = 'name: quickstart\nrounds: 10\nseed: 42\n'


def _open(path, *, config=CONFIG, fingerprint='abc123', resume=False):
  return RunDirectory.open(path, config, fingerprint, resume)


def _give_it_rounds(path):
  (path / 'metrics.jsonl').write_text('{"round": 1}\n')


def _contents(path):
  return {
    str(p.relative_to(path)): p.read_bytes()
    for p in sorted(path.rglob('*'))
    if p.is_file()
  }


class TestNew:
  def test_folder_and_config_are_made(self, tmp_path):
    path = tmp_path / 'runs' / 'quickstart' / 'cell'
    with _open(path) as directory:
      assert directory.state == 'new'
      assert directory.checkpoints.is_dir()
    lines = (path / 'config.yaml').read_text().splitlines()
    assert lines[0].startswith('# flsec ')
    assert ', fingerprint abc123' in lines[0]
    assert '\n'.join(lines[1:]) + '\n' == CONFIG
    assert run_directory.read_fingerprint(path) == 'abc123'

  def test_a_run_stopped_before_its_first_round_needs_no_resume(self, tmp_path):
    _open(tmp_path).close()
    with _open(tmp_path, resume=False) as directory:
      assert directory.state == 'new'

  def test_fingerprint_with_a_space_is_refused(self, tmp_path):
    with pytest.raises(ValueError, match='one word'):
      _open(tmp_path, fingerprint='two words')

  def test_a_partial_config_of_a_killed_process_is_replaced(self, tmp_path):
    (tmp_path / 'config.yaml.partial').write_text('na')
    _open(tmp_path).close()
    assert not (tmp_path / 'config.yaml.partial').exists()
    assert 'quickstart' in (tmp_path / 'config.yaml').read_text()


class TestUnfinished:
  @pytest.fixture
  def cell(self, tmp_path):
    _open(tmp_path).close()
    _give_it_rounds(tmp_path)
    return tmp_path

  def test_resume_takes_it_up(self, cell):
    with _open(cell, resume=True) as directory:
      assert directory.state == 'unfinished'
      assert not directory.is_done

  def test_without_resume_it_is_refused_and_kept(self, cell):
    before = _contents(cell)
    with pytest.raises(RunDirectoryError, match='--resume') as error:
      _open(cell)
    assert '--output_dir' in str(error.value)
    assert _contents(cell) == before

  def test_a_refusal_leaves_no_lock_behind(self, cell):
    with pytest.raises(RunDirectoryError):
      _open(cell)
    _open(cell, resume=True).close()

  def test_a_checkpoint_alone_makes_it_unfinished(self, tmp_path):
    _open(tmp_path).close()
    (tmp_path / 'checkpoints' / 'round_000001.npz').write_bytes(b'')
    with _open(tmp_path, resume=True) as directory:
      assert directory.state == 'unfinished'

  def test_another_configuration_is_refused_with_what_differs(self, cell):
    before = _contents(cell)
    other = CONFIG.replace('seed: 42', 'seed: 43')
    with pytest.raises(RunDirectoryError) as error:
      _open(cell, config=other, fingerprint='def456', resume=True)
    message = str(error.value)
    assert 'abc123' in message and 'def456' in message
    assert '-seed: 42' in message and '+seed: 43' in message
    assert 'rounds' not in message
    assert _contents(cell) == before

  def test_a_long_difference_is_shortened(self, cell):
    other = ''.join(f'key_{i}: {i}\n' for i in range(20))
    with pytest.raises(RunDirectoryError, match=r'\.\.\. and 17 more'):
      _open(cell, config=other, fingerprint='def456', resume=True)

  @pytest.mark.parametrize('content', [None, 'name: mine\n'])
  def test_rounds_of_an_unknown_experiment_are_refused(self, cell, content):
    (cell / 'config.yaml').unlink()
    if content:
      (cell / 'config.yaml').write_text(content)
    with pytest.raises(RunDirectoryError, match='cannot be told'):
      _open(cell, resume=True)


class TestDone:
  def test_done_is_written_after_the_summary(self, tmp_path, monkeypatch):
    written = []
    real = run_directory.atomic_file.write_atomically

    def record(path, content):
      written.append(pathlib.Path(path).name)
      real(path, content)

    monkeypatch.setattr(run_directory.atomic_file, 'write_atomically', record)
    with _open(tmp_path) as directory:
      directory.finish({'rounds': 10})
      assert directory.is_done
    assert written == ['config.yaml', 'summary.json', 'DONE']
    assert json.loads((tmp_path / 'summary.json').read_text()) == {'rounds': 10}

  @pytest.mark.parametrize('resume', [False, True])
  def test_a_finished_run_opens_as_done(self, tmp_path, resume):
    with _open(tmp_path) as directory:
      directory.finish({})
    with _open(tmp_path, resume=resume) as directory:
      assert directory.state == 'done'
      with pytest.raises(RunDirectoryError, match='not held for writing'):
        directory.finish({})

  def test_a_finished_run_of_another_configuration_is_refused(self, tmp_path):
    with _open(tmp_path) as directory:
      directory.finish({})
    with pytest.raises(RunDirectoryError, match='another configuration'):
      _open(tmp_path, fingerprint='other')

  def test_a_summary_that_is_no_json_leaves_the_run_unfinished(self, tmp_path):
    with _open(tmp_path) as directory:
      with pytest.raises(ValueError):
        directory.finish({'loss': float('nan')})
      assert not directory.is_done


class TestLock:
  def test_two_runs_cannot_write_one_cell(self, tmp_path):
    with _open(tmp_path), pytest.raises(RunDirectoryError) as error:
      _open(tmp_path, resume=True)
    message = str(error.value)
    assert 'being written by another process' in message
    assert f'process {os.getpid()}' in message

  def test_closing_lets_the_next_one_in(self, tmp_path):
    _open(tmp_path).close()
    _open(tmp_path).close()

  def test_a_killed_process_holds_no_lock(self, tmp_path):
    code = (
      'import os, sys\n'
      'from flsec.experiment.run_directory import RunDirectory\n'
      'd = RunDirectory.open(sys.argv[1], sys.argv[2], "abc123", False)\n'
      'os.kill(os.getpid(), 9)\n'
    )
    ended = subprocess.run(
      [sys.executable, '-c', code, str(tmp_path), CONFIG], check=False
    )
    assert ended.returncode == -9
    assert (tmp_path / 'config.yaml').exists()
    with _open(tmp_path) as directory:
      assert directory.state == 'new'

  def test_opening_imports_no_tensorflow(self):
    code = (
      'import sys\n'
      'import flsec.experiment.run_directory, flsec.experiment.checkpoint\n'
      'import flsec.experiment.metric_writer, flsec.experiment.summary\n'
      'import flsec.reporting.table\n'
      'assert "tensorflow" not in sys.modules\n'
    )
    subprocess.run([sys.executable, '-c', code], check=True)


class TestUnwritable:
  def test_a_file_in_the_way(self, tmp_path):
    (tmp_path / 'runs').write_text('')
    with pytest.raises(RunDirectoryError, match='--output_dir'):
      _open(tmp_path / 'runs' / 'cell')

  @pytest.mark.skipif(os.geteuid() == 0, reason='root may write anywhere')
  def test_a_folder_without_permission(self, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(
      RunDirectoryError, match='cannot be written: Permission'
    ):
      _open(tmp_path / 'cell')

  def test_a_lock_that_cannot_be_made(self, tmp_path):
    (tmp_path / '.lock').mkdir()
    with pytest.raises(RunDirectoryError, match='cannot be written'):
      _open(tmp_path)


def test_labels_come_back(tmp_path):
  counts = np.array([[3, 0], [1, 2]])
  with _open(tmp_path) as directory:
    directory.write_labels(counts, [True, False])
  with np.load(tmp_path / 'labels.npz', allow_pickle=False) as archive:
    np.testing.assert_array_equal(archive['counts'], counts)
    np.testing.assert_array_equal(archive['is_malicious'], [True, False])


class TestCheck:
  """What `open` would refuse is refused before anything is written."""

  def check(self, path, fingerprint='abc123', resume=True):
    folder_lock.check_free(path)
    return run_directory.check(path, CONFIG, fingerprint, resume)

  def test_writes_nothing(self, tmp_path):
    assert self.check(tmp_path / 'runs' / 'x') == 'new'
    assert list(tmp_path.iterdir()) == []

  def test_another_configuration(self, tmp_path):
    _open(tmp_path).close()
    self.check(tmp_path)
    with pytest.raises(RunDirectoryError, match='another configuration'):
      self.check(tmp_path, 'cd')

  def test_a_folder_that_another_process_writes(self, tmp_path):
    with (
      _open(tmp_path),
      pytest.raises(RunDirectoryError, match='another process'),
    ):
      self.check(tmp_path)
    self.check(tmp_path)

  def test_an_unfinished_run_without_resume(self, tmp_path):
    _open(tmp_path).close()
    _give_it_rounds(tmp_path)
    assert self.check(tmp_path) == 'unfinished'
    with pytest.raises(RunDirectoryError, match='Add --resume'):
      self.check(tmp_path, resume=False)
