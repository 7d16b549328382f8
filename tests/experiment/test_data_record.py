"""A run goes on, and is done, with the data that it was made of alone."""

import json
import os

import pytest

from flsec.experiment import data_record, run_directory
from flsec.experiment.folder_lock import RunDirectoryError
from flsec.experiment.run_directory import RunDirectory


@pytest.fixture
def data_file(tmp_path):
  path = tmp_path / 'data.csv'
  path.write_text('1,2\n')
  return path


def record(path, crc32='00c0ffee'):
  from flsec.data.provenance import File

  return {'crc32': crc32, 'files': [vars(File.of(str(path)))]}


def finish(folder, path):
  with RunDirectory.open(folder, 'name: x\n', 'ab', True) as run:
    run.take_data(record(path))
    run.finish({})


def is_done(folder):
  return RunDirectory.open(folder, 'name: x\n', 'ab', True).state == 'done'


def test_the_first_session_writes_and_later_ones_compare(tmp_path, data_file):
  before = record(data_file)
  data_record.take(tmp_path, before)
  assert json.loads((tmp_path / 'data.json').read_text()) == before
  data_record.take(tmp_path, before)
  os.utime(data_file, ns=(0, 0))
  data_record.take(tmp_path, record(data_file))
  assert json.loads((tmp_path / 'data.json').read_text()) == before


def test_other_data_end_a_resume_and_name_the_file(tmp_path, data_file):
  data_record.take(tmp_path, record(data_file))
  data_file.write_text('1,2,3\n')
  with pytest.raises(
    RunDirectoryError,
    match=r'cannot go on: its first rounds .*data.csv had 4 bytes and has 6',
  ):
    data_record.take(tmp_path, record(data_file, crc32='1'))


def test_a_finished_run_of_other_data_is_not_done(tmp_path, data_file):
  folder = tmp_path / 'run'
  finish(folder, data_file)
  assert is_done(folder)
  os.utime(data_file, ns=(0, 0))
  assert is_done(folder)
  data_file.write_text('3,4\n')
  with pytest.raises(
    RunDirectoryError, match=r'finished run of other data: .*another checksum'
  ):
    is_done(folder)
  with pytest.raises(RunDirectoryError, match='finished run of other data'):
    run_directory.check(folder, 'name: x\n', 'ab', True)
  data_file.unlink()
  assert is_done(folder)


def test_a_run_from_before_there_was_a_record_is_done(tmp_path):
  with RunDirectory.open(tmp_path, 'name: x\n', 'ab', True) as run:
    run.finish({})
  assert is_done(tmp_path)


@pytest.mark.parametrize(
  'text',
  [
    '',
    '{',
    '[]',
    '{}',
    '{"files": [1], "crc32": ""}',
    '{"files": [], "crc32": 3}',
    '{"files": 3, "crc32": ""}',
  ],
)
def test_a_record_that_was_edited_is_no_traceback(tmp_path, text):
  (tmp_path / 'data.json').write_text(text)
  with pytest.raises(RunDirectoryError, match=r'data.json is damaged'):
    data_record.take(tmp_path, {'crc32': '', 'files': []})


def test_another_text_of_a_plugin_is_said_in_words(tmp_path):
  texts = [f'# plug-in mine.py, sha256 {d * 64}\nname: x\n' for d in 'ab']
  RunDirectory.open(tmp_path, texts[0], 'ab', True).close()
  with pytest.raises(
    RunDirectoryError,
    match=r'made with another text of mine.py: the plug-in was edited since',
  ):
    RunDirectory.open(tmp_path, texts[1], 'cd', True)
