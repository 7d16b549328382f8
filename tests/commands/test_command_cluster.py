"""`flsec cluster`, and the flags of `flsec run` that name one."""

import ast
import importlib.util
import shlex

import pytest
import yaml
from absl import logging

from flsec import main
from flsec.commands import cluster_flags
from flsec.sweeps import cluster_key


@pytest.fixture
def flsec(capsys, tmp_path, monkeypatch):
  """`flsec('cluster', ...) -> (exit code, output, errors)`, in a new folder."""
  monkeypatch.chdir(tmp_path)

  def called(*words):
    with pytest.raises(SystemExit) as ended:
      main.run_app(['flsec', *words])
    found = capsys.readouterr()
    return ended.value.code, found.out, found.err

  return called


def _commands(text):
  return [
    shlex.split(line, comments=True)
    for line in text.splitlines()
    if not line.startswith('#')
  ]


def test_on_this_machine_nothing_is_open_to_others(flsec):
  code, text, _ = flsec('cluster', '--workers=3', '--port=9000')
  scheduler, worker, run = _commands(text)
  assert code == 0
  assert scheduler[0].endswith('/dask') and scheduler[1] == 'scheduler'
  for command in (scheduler, worker):
    assert '--host=localhost' in command and command[-1] == '&'
    assert '--dashboard-address=localhost:0' in command
  assert '--nworkers=3' in worker and '--nthreads=1' in worker
  assert run[1:] == ['run', 'FILE.yaml', '--cluster=tcp://localhost:9000']


def test_ssh_speaks_tls(flsec, tmp_path):
  key = tmp_path / 'cluster.pem'
  _, text, _ = flsec('cluster', 'ssh', '--hosts=one,two', '--cells=2')
  make, scheduler, *workers, run = _commands(text)
  assert make[1:] == ['cluster', 'key', f'--cluster_key={key}']
  assert [command[:3] for command in workers] == [
    ['ssh', '-n', 'one'],
    ['ssh', '-n', 'two'],
  ]
  tls = [f'--tls-{part}={key}' for part in ('ca-file', 'cert', 'key')]
  for command in (scheduler, *workers):
    inside = shlex.split(command[3])
    assert inside[:2] == ['cd', str(tmp_path)] and inside[-3:] == tls
  assert '--protocol=tls' in scheduler[3] and '--nthreads=2' in workers[0][3]
  assert 'tls://one:8786' in workers[1][3]
  assert '--cluster=tls://one:8786' in run


def test_slurm_is_a_script_that_speaks_tls(flsec):
  _, text, _ = flsec('cluster', 'slurm', '--workers=5', '--cores=16')
  calls = [
    node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)
  ]
  (made,) = [
    call for call in calls if getattr(call.func, 'id', '') == 'SLURMCluster'
  ]
  words = {word.arg: ast.unparse(word.value) for word in made.keywords}
  assert words['job_cpu'] == '16' and words['cores'] == '1'
  assert words['protocol'] == "'tls'"
  assert 'require_encryption=True' in words['security']
  (adapted,) = [
    call for call in calls if getattr(call.func, 'attr', '') == 'adapt'
  ]
  assert [word.value.value for word in adapted.keywords] == [5, 5]


def test_kubernetes_takes_the_manifests(flsec):
  _, text, _ = flsec(
    'cluster', 'kubernetes', '--workers=5', '--memory=16G', '--image=mine'
  )
  service, scheduler, worker = yaml.safe_load_all(text)
  assert service['spec']['ports'] == [{'port': 8786}]
  assert service['spec']['selector'] == {'app': 'flsec-scheduler'}
  assert worker['spec']['replicas'] == 5
  for one in (scheduler, worker):
    pod = one['spec']['template']['spec']
    (container,) = pod['containers']
    assert container['image'] == 'mine'
    assert '--tls-key=/key/cluster.pem' in container['command']
    mounted = {mount['name'] for mount in container['volumeMounts']}
    assert mounted == {volume['name'] for volume in pod['volumes']}
  limits = container['resources']['limits']
  assert limits == {'cpu': 4, 'memory': '16Gi'}
  assert 'tls://flsec-scheduler:8786' in container['command']


def test_key(flsec, tmp_path):
  code, text, _ = flsec('cluster', 'key', '--cluster_key=my.pem')
  if importlib.util.find_spec('distributed') is None:
    assert code == 2
    pytest.skip('needs Dask: make setup-cluster installs it')
  assert code == 0 and text.startswith('my.pem lets whoever holds it run code')
  assert cluster_key.check(tmp_path / 'my.pem')
  code, _, errors = flsec('cluster', 'key', '--cluster_key=my.pem')
  assert code == 2 and 'my.pem is there already' in errors


@pytest.mark.parametrize(
  ('words', 'message'),
  [
    (['slrm'], 'got slrm; did you mean slurm?'),
    (['ssh', 'slurm'], 'takes one of localhost, ssh, slurm, kubernetes, key'),
    (['ssh'], 'ssh needs the machines: --hosts=node1,node2.'),
  ],
)
def test_what_is_no_cluster(flsec, words, message):
  code, _, errors = flsec('cluster', *words)
  assert code == 2 and message in errors and errors.count('\n') == 1


class TestRunFlags:
  @pytest.fixture
  def file(self, tmp_path):
    import small_experiment

    return small_experiment.write(tmp_path / 'small.yaml')

  def test_jobs_are_of_this_machine(self, flsec, file):
    code, _, errors = flsec(
      'run', file, '--cluster=tcp://localhost:1', '--jobs=2'
    )
    assert code == 2 and '--jobs is about this machine' in errors

  def test_without_dask_it_says_how_to_get_it(self, flsec, file, monkeypatch):
    monkeypatch.setattr(cluster_flags, '_NEEDED', ('no_such_package',))
    code, _, errors = flsec('run', file, '--cluster=tcp://localhost:1')
    assert code == 2 and 'make setup-cluster' in errors
    assert errors.count('\n') == 1

  def test_an_open_cluster_is_warned_of(self, flsec, file, monkeypatch):
    warned = []
    monkeypatch.setattr(cluster_flags, '_NEEDED', ('no_such_package',))
    monkeypatch.setattr(
      logging, 'warning', lambda text, host: warned.append(host)
    )
    for address in ('tcp://localhost:1', 'tls://far:1', 'tcp://far:1'):
      flsec('run', file, f'--cluster={address}')
    assert warned == ['far:1']

  def test_a_key_that_is_missing(self, flsec, file):
    pytest.importorskip(
      'distributed', reason='needs Dask: make setup-cluster installs it'
    )
    code, _, errors = flsec('run', file, '--cluster=tls://localhost:1')
    assert code == 2 and 'tls:// needs the key of the cluster' in errors
    assert errors.count('\n') == 1
