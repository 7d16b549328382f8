"""Why a run failed is noted in its folder, and forgotten when it goes on."""

import pytest
import small_experiment

from flsec.config import dump
from flsec.experiment import failure, folder_lock
from flsec.experiment.run_directory import RunDirectory


def _open(path):
  return RunDirectory.open(path, 'rounds: 10\n', 'abc123', True)


def _fail(path, error):
  with pytest.raises(type(error)), _open(path):
    raise error


class TestNote:
  def test_it_says_what_when_and_where(self, tmp_path):
    _fail(tmp_path, ValueError('Data set\n  mnist is missing.'))
    time, line, empty, *trace = (tmp_path / 'FAILED').read_text().splitlines()
    assert time.startswith('20') and empty == ''
    assert line == failure.read(tmp_path) == 'Data set mnist is missing.'
    assert trace[0].startswith('Traceback') and '_fail' in ''.join(trace)

  @pytest.mark.parametrize(
    ('error', 'line'),
    [
      (KeyError('x'), "KeyError: 'x'"),
      (RuntimeError(), 'RuntimeError'),
      (ValueError(), 'ValueError'),
      (OSError(28, 'No space left'), 'OSError: [Errno 28] No space left'),
    ],
  )
  def test_the_kind_of_an_error_is_said_where_its_message_does_not(
    self, tmp_path, error, line
  ):
    _fail(tmp_path, error)
    assert failure.read(tmp_path) == line

  @pytest.mark.parametrize('error', [KeyboardInterrupt(), SystemExit(143)])
  def test_an_interruption_is_no_failure(self, tmp_path, error):
    _fail(tmp_path, error)
    assert failure.read(tmp_path) is None

  def test_a_run_that_goes_on_has_none(self, tmp_path):
    _fail(tmp_path, ValueError('x'))
    with _open(tmp_path):
      assert failure.read(tmp_path) is None

  def test_a_folder_of_another_configuration_gets_none(self, tmp_path):
    _open(tmp_path).close()
    with pytest.raises(ValueError, match='another configuration'):
      RunDirectory.open(tmp_path, 'rounds: 9\n', 'def456', True)
    assert failure.read(tmp_path) is None

  def test_a_full_disk_does_not_hide_the_error(self, tmp_path, monkeypatch):
    def full(folder, error):
      raise OSError(28, 'No space left on device')

    monkeypatch.setattr(failure, 'note', full)
    _fail(tmp_path, ValueError('the error itself'))
    assert not folder_lock.is_held(tmp_path)


class TestOfTheDead:
  def test_another_process_notes_it(self, tmp_path):
    failure.note_of_the_dead(tmp_path / 'cell', 'ended by signal 9')
    assert failure.read(tmp_path / 'cell') == 'ended by signal 9'

  def test_not_while_someone_goes_on_with_it(self, tmp_path):
    with _open(tmp_path):
      failure.note_of_the_dead(tmp_path, 'ended by signal 9')
      assert failure.read(tmp_path) is None


def test_a_folder_is_held_as_long_as_it_is_open(tmp_path):
  assert not folder_lock.is_held(tmp_path)
  with _open(tmp_path):
    assert folder_lock.is_held(tmp_path)
  assert not folder_lock.is_held(tmp_path)


def test_an_error_before_the_folder_was_opened_is_noted_too(tmp_path):
  folder = tmp_path / 'cell'
  experiment = small_experiment.load()
  identity = dump.to_yaml(experiment), dump.fingerprint(experiment)
  try:
    raise ValueError('The model ends in softmax.')
  except ValueError as error:
    failure.note_refused(folder, error, experiment)
  assert failure.read(folder) == 'The model ends in softmax.'
  assert 'raise ValueError' in (folder / 'FAILED').read_text()
  with RunDirectory.open(folder, *identity, True):
    with pytest.raises(OSError, match='held'):
      raise OSError('held')
    failure.note_refused(folder, OSError('not ours'), experiment)
    assert failure.read(folder) is None
