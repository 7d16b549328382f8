"""Cells on a Dask cluster with TLS: none is lost, none outlives its worker."""

import contextlib
import gc
import os
import pathlib
import subprocess
import sys
import threading

import fake_cells
import pytest
from waiting import SECONDS, wait_for

from flsec.experiment import failure
from flsec.sweeps.cluster_key import ClusterError
from flsec.sweeps.display import Display

pytest.importorskip(
  'distributed', reason='needs Dask: make setup-cluster installs it'
)
import distributed
import portpicker

from flsec.sweeps import cluster, cluster_client, cluster_key

_HERE = pathlib.Path(__file__).parent
_PATH = os.pathsep.join([str(_HERE), str(_HERE.parents[1])])


@contextlib.contextmanager
def _cluster(key, num_workers):
  """Yields the address of a scheduler; its workers stay dead when killed."""
  files = {
    f'tls_{role}_{part}': str(key)
    for role in ('client', 'scheduler', 'worker')
    for part in ('cert', 'key')
  }
  security = distributed.Security(
    tls_ca_file=str(key), require_encryption=True, **files
  )
  started = distributed.LocalCluster(
    n_workers=0, protocol='tls://', security=security,
    dashboard_address='localhost:0',
  )  # fmt: skip
  command = [
    sys.executable, '-m', 'distributed.cli.dask_worker',
    started.scheduler_address, '--no-nanny', '--nthreads=1',
    '--memory-limit=0', '--dashboard-address=localhost:0',
    f'--local-directory={key.parent}',
    *(f'--tls-{part}={key}' for part in ('ca-file', 'cert', 'key')),
  ]  # fmt: skip
  environment = {**os.environ, 'PYTHONPATH': _PATH}
  workers = [
    subprocess.Popen(
      command, env=environment, stdin=subprocess.DEVNULL,
      stderr=subprocess.DEVNULL,
    )
    for _ in range(num_workers)
  ]  # fmt: skip
  try:
    yield started
  finally:
    for worker in workers:
      worker.kill()
      worker.wait()
    started.close()


@contextlib.contextmanager
def _own(key, num_workers):
  """Yields a cluster that a test may do to as it likes, and a client."""
  with contextlib.ExitStack() as stack:
    started = stack.enter_context(_cluster(key, num_workers))
    address = started.scheduler_address
    client = stack.enter_context(cluster_client.connect(address, key))
    client.wait_for_workers(num_workers, timeout=SECONDS)
    yield started, client


@pytest.fixture(scope='module', autouse=True)
def none_is_left():
  """Leaves nothing of Dask's that is collected, and logged, in other tests."""
  yield
  gc.collect()


@pytest.fixture(scope='module')
def key(tmp_path_factory):
  path = tmp_path_factory.mktemp('key') / 'cluster.pem'
  cluster_key.write(path)
  return path


@pytest.fixture(scope='module')
def shared(key):
  with _own(key, 2) as found:
    yield found


@pytest.fixture
def client(shared):
  return shared[1]


@pytest.fixture
def mortal_client(key):
  """Of a cluster that has a worker left when two have died."""
  with _own(key, 3) as (_, found):
    yield found


class _Told(Display):
  """Keeps the lines."""

  def __init__(self, tasks, begun=None):
    super().__init__(tasks, is_quiet=True)
    self.lines, self._begun = [], begun

  def begun(self, task, num_rounds, finished):
    if self._begun:
      self._begun(task)

  def say(self, line):
    self.lines.append(line)


def _sweep(client, root, cells, plugins=(), begun=None):
  """Returns a Sweep of cells, by name what each does, and its display."""
  tasks = [
    fake_cells.task(root, name, does, plugins=plugins)
    for name, does in cells.items()
  ]
  told = _Told(tasks, begun)
  return told, cluster.Sweep(
    client, root, tasks, fake_cells.OPTIONS, told, module='fake_cluster_cells'
  )


@pytest.fixture
def sweep(client, tmp_path):
  """`sweep({name: what it does}) -> Sweep`."""
  return lambda cells, **options: _sweep(client, tmp_path, cells, **options)[1]


def _failures(outcomes):
  return {one.task.name: one.failure for one in outcomes}


def _pid(path):
  return int(path.read_text())


class TestOutcomes:
  def test_a_failing_cell_does_not_end_the_others(self, sweep, tmp_path):
    outcomes = sweep(
      {'a': 'fail:too_bad', 'b': 'round:1 round:3', 'c': 'exit:3', 'd': ''}
    ).run()
    died = 'its process ended with exit code 3'
    assert _failures(outcomes) == {
      'a': 'too_bad', 'b': None, 'c': died, 'd': None,
    }  # fmt: skip
    metrics = {one.task.name: one.metrics for one in outcomes}
    assert metrics['b'] == {'test/accuracy': 0.5}
    assert failure.read(tmp_path / 'c') == died
    assert not list(tmp_path.glob('.seen_*'))

  def test_a_cell_that_is_done_is_not_run(self, sweep, tmp_path):
    (tmp_path / 'a').mkdir()
    (tmp_path / 'a' / 'DONE').touch()
    assert _failures(sweep({'a': 'fail:again'}).run()) == {'a': None}

  def test_fail_fast_ends_the_others(self, sweep, tmp_path):
    def wait(task):
      (tmp_path / 'go').touch()

    cells = {'a': 'wait', 'b': 'await:go fail:at_once'}
    outcomes = sweep(cells, begun=wait).run(fail_fast=True)
    assert _failures(outcomes) == {'b': 'at_once'}
    wait_for(_pid(tmp_path / 'a' / 'pid'))
    assert failure.read(tmp_path / 'a') is None  # It may go on later.


class TestDeadWorkers:
  def test_they_give_their_cells_back(self, mortal_client, tmp_path):
    cells = {'a': 'kill_worker:2', 'b': '', 'c': '', 'd': ''}
    told, sweep = _sweep(mortal_client, tmp_path, cells)
    assert _failures(sweep.run()) == dict.fromkeys('abcd')
    gone = [line for line in told.lines if 'is gone' in line]
    assert [line[:2] for line in gone] == ['a:', 'a:']
    killed = list(tmp_path.glob('*/killed_*'))
    assert len(killed) == 2
    for path in killed:
      wait_for(_pid(path))
    assert not list(tmp_path.glob('*/FAILED'))

  def test_a_cell_that_kills_them_all_is_given_up(
    self, mortal_client, tmp_path, monkeypatch
  ):
    monkeypatch.setattr(cluster, 'MOST_DEATHS', 1)
    line = 'its worker died 2 times'
    cells = {'a': 'kill_worker:9', 'b': ''}
    found = _sweep(mortal_client, tmp_path, cells)[1].run()
    assert _failures(found) == {'a': line, 'b': None}
    assert failure.read(tmp_path / 'a') == line


class TestWorkersThatCannot:
  def test_another_text_of_a_plugin(self, sweep, tmp_path):
    plugin = tmp_path / 'plugin.py'
    plugin.write_text('one = 1\n')
    found = sweep({'a': ''}, plugins=(str(plugin),))
    plugin.write_text('two = 2\n')
    with pytest.raises(ClusterError) as error:
      found.run()
    assert 'another version of the plug-in' in str(error.value)
    assert str(plugin) in str(error.value) and '\n' not in str(error.value)
    assert not (tmp_path / 'a').exists()

  def test_a_folder_that_they_do_not_see(self, sweep, monkeypatch):
    no_file = contextlib.nullcontext('.seen_0')
    monkeypatch.setattr(cluster_client, '_token', lambda root: no_file)
    with pytest.raises(ClusterError, match='does not see the folder'):
      sweep({'a': ''}).run()

  def test_flsec_does_not_run_there(self, sweep, monkeypatch):
    def visit(*arguments):
      raise ModuleNotFoundError("No module named 'flsec'")

    monkeypatch.setattr(cluster_client.cluster_worker, 'visit', visit)
    with pytest.raises(ClusterError, match='flsec does not run there'):
      sweep({'a': ''}).run()


class TestConnecting:
  def test_nobody_answers(self, monkeypatch, key):
    monkeypatch.setattr(cluster_client, '_CONNECT_SECONDS', 0.5)
    port = portpicker.pick_unused_port()
    with pytest.raises(ClusterError) as error:
      cluster_client.connect(f'tcp://localhost:{port}', key).__enter__()
    assert 'No Dask scheduler answers at tcp://localhost' in str(error.value)
    assert '\n' not in str(error.value)

  def test_another_key(self, shared, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster_client, '_CONNECT_SECONDS', 3.0)
    other = tmp_path / 'other.pem'
    cluster_key.write(other)
    with pytest.raises(ClusterError, match='No Dask scheduler answers'):
      cluster_client.connect(shared[0].scheduler_address, other).__enter__()

  def test_a_close_that_fails_is_not_tried_again(
    self, shared, key, monkeypatch
  ):
    tried = []

    async def close(client, fast=False):
      tried.append(client.status)
      raise ValueError('IOStream is not idle')

    address = shared[0].scheduler_address
    with cluster_client.connect(address, key) as client:
      end = client._close
      monkeypatch.setattr(distributed.Client, '_close', close)
    client.close()  # As when it is collected.
    assert tried == ['closing']
    client.sync(end, fast=True)

  @pytest.mark.parametrize(
    'address', ['localhost:8786', 'http://a:1', 'tls://a', 'tls://a:b']
  )
  def test_no_address(self, address, key):
    with pytest.raises(ClusterError, match='is no address of a scheduler'):
      cluster_client.connect(address, key).__enter__()


def test_a_scheduler_that_goes_ends_the_sweep(key, tmp_path):
  with _own(key, 1) as (own, client):
    leaving = threading.Thread(target=own.close)
    sweep = _sweep(
      client, tmp_path, {'a': 'wait'}, begun=lambda task: leaving.start()
    )[1]
    with pytest.raises(ClusterError, match='no longer answers'):
      sweep.run()
    leaving.join()
  wait_for(_pid(tmp_path / 'a' / 'pid'))
