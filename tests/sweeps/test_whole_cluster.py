"""A sweep on a cluster as `flsec cluster ssh` starts it, workers killed."""

import os
import pathlib
import shlex
import signal
import subprocess
import sys

import portpicker
import pytest
import same_runs
import small_experiment
from fake_command import write_executable

from flsec.experiment import folder_lock

pytestmark = pytest.mark.slow
pytest.importorskip(
  'distributed', reason='needs Dask: make setup-cluster installs it'
)
_HERE = pathlib.Path(__file__).parent
_ROOT = _HERE.parents[1]
_ENVIRONMENT = {**os.environ, 'PYTHONPATH': str(_ROOT)}
_FLSEC = [sys.executable, '-m', 'flsec.main']
# A machine that is this one.
_SSH = '#!/bin/sh\nexec sh -c "$3"\n'


def _flsec(*words):
  return subprocess.run(
    [*_FLSEC, *words], env=_ENVIRONMENT, cwd=_ROOT, capture_output=True,
    text=True, check=False,
  )  # fmt: skip


@pytest.fixture(scope='module')
def cluster(tmp_path_factory):
  """Yields the flags of `flsec run` for a cluster of two workers."""
  folder = tmp_path_factory.mktemp('cluster')
  key = f'--cluster_key={folder / "cluster.pem"}'
  port = portpicker.pick_unused_port()
  assert _flsec('cluster', 'key', key).returncode == 0
  said = _flsec(
    'cluster', 'ssh', '--hosts=localhost', '--workers=2', f'--port={port}', key
  )
  lines = [line for line in said.stdout.splitlines() if line.startswith('ssh ')]
  assert len(lines) == 2 and all('--tls-key' in line for line in lines)
  write_executable(folder / 'bin' / 'ssh', _SSH)
  path = f'{folder / "bin"}{os.pathsep}{os.environ["PATH"]}'
  started = [
    subprocess.Popen(
      shlex.split(line.rstrip(' &')), env={**_ENVIRONMENT, 'PATH': path},
      stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    for line in lines
  ]  # fmt: skip
  yield [f'--cluster=tls://localhost:{port}', key]
  for one in reversed(started):
    one.send_signal(signal.SIGTERM)
    one.wait()


def _sweep(folder, loggers, *flags):
  file = small_experiment.write(folder / 'small.yaml')
  return _flsec(
    'run', file, '--sweep=seed=[1,2,3]', f'--output_dir={folder}',
    '--set=attack.placement=holders', f'--set=runtime.loggers=[{loggers}]',
    f'--plugin={_HERE / "killing_logger.py"}', *flags,
  )  # fmt: skip


def test_workers_killed_twice_all_cells_done_the_same_bits(cluster, tmp_path):
  for name in ('killed', 'alone'):
    (tmp_path / name).mkdir()
  ended = _sweep(tmp_path / 'killed', 'killing', *cluster)
  assert ended.returncode == 0, ended.stderr
  assert ended.stderr.count(' is gone.') == 2, ended.stderr
  assert 'Traceback' not in ended.stderr
  # Not with that logger: its process would be this one's child.
  alone = _sweep(tmp_path / 'alone', '', '--jobs=1')
  assert alone.returncode == 0, alone.stderr
  cells = sorted(tmp_path.glob('alone/small/*seed=*'))
  assert len(cells) == 3
  for cell in cells:
    same_runs.check(tmp_path / 'killed' / 'small' / cell.name, cell)


def test_a_folder_that_is_being_written_is_refused(cluster, tmp_path):
  cell = tmp_path / 'small' / 'placement=holders,seed=2'
  cell.mkdir(parents=True)
  lock = folder_lock.acquire(cell)
  try:
    ended = _sweep(tmp_path, '', *cluster)
  finally:
    folder_lock.release(lock)
  assert ended.returncode == 2
  assert f'{cell} is being written by another process' in ended.stderr
  assert [path.name for path in cell.iterdir()] == ['.lock']
  assert not list(tmp_path.glob('small/*seed=1'))
