"""A disk that is full, or taken away, stops a run in one line; it goes on."""

import contextlib
import errno
import shutil
import subprocess

import pytest
import small_runs

from flsec.experiment import explain
from flsec.experiment.progress import Watcher


class After(Watcher):
  """Does something once a round is finished."""

  def __init__(self, round_number, act):
    self._round, self._act = round_number, act

  def update(self, round_number, metrics):
    if round_number == self._round:
      self._act()


@pytest.fixture
def small_disk(tmp_path):
  """A file system of 1 MiB, that only root can make."""
  folder = tmp_path / 'disk'
  folder.mkdir()
  mount = ['mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', str(folder)]
  try:
    made = subprocess.run(mount, capture_output=True, text=True, check=False)
  except FileNotFoundError:
    pytest.skip('there is no `mount` here')
  if made.returncode:
    pytest.skip(f'no small file system may be made here: {made.stderr}')
  yield folder
  subprocess.run(['umount', str(folder)], check=True)


def _run(path, watcher=None):
  return small_runs.run(path, watcher=watcher or Watcher())


def _rows(path):
  return small_runs.untimed(small_runs.rows(path))


def _fill(folder):
  path = folder / 'filler'
  with contextlib.suppress(OSError), open(path, 'wb', buffering=0) as file:
    while True:
      file.write(bytes(512))


def test_a_full_disk(small_disk, tmp_path):
  path = small_disk / 'run' / 'cell'
  with pytest.raises(
    OSError, match=r'disk is full\. Free some space'
  ) as caught:
    _run(path, After(2, lambda: _fill(small_disk)))
  assert caught.value.errno == errno.ENOSPC
  told = explain.explain(caught.value)
  assert told.startswith(str(path)) and '\n' not in told
  assert not list(path.rglob('*.partial'))
  whole = _rows(path)
  assert [row['round'] for row in whole] in ([1, 2], [1, 2, 3])
  (small_disk / 'filler').unlink()
  _run(path)
  _run(tmp_path / 'alone')
  assert repr(_rows(path)) == repr(_rows(tmp_path / 'alone'))


def test_a_folder_that_goes_away(tmp_path):
  path = tmp_path / 'run' / 'cell'
  with pytest.raises(FileNotFoundError, match='its folder is gone') as caught:
    _run(path, After(2, lambda: shutil.rmtree(path)))
  told = explain.explain(caught.value)
  assert told.startswith(str(path)) and '\n' not in told
  # On a disk that was taken away the path leads to another one.
  assert not path.exists()
