"""The commands that start a Dask cluster, by where it runs.

Beyond one machine, scheduler and workers speak TLS and know each other by the
cluster's key. The scheduler's page of information has neither: it is kept to
localhost.
"""

import dataclasses
import os
import pathlib
import shlex
import sys
from typing import Callable

from flsec.commands.command import UsageError

_PRIVATE_PAGE = '--dashboard-address=localhost:0'


@dataclasses.dataclass(frozen=True)
class Settings:
  """What a cluster is to be like; see the flags of `flsec cluster`."""

  key: pathlib.Path
  port: int
  workers: int
  cells: int
  hosts: tuple[str, ...]
  cores: int
  memory: str
  time: str
  image: str
  claim: str


def localhost(settings: Settings) -> str:
  """Everything on this machine, out of reach of others."""
  address = f'tcp://localhost:{settings.port}'
  scheduler = _dask(
    'scheduler', '--host=localhost', f'--port={settings.port}', _PRIVATE_PAGE
  )
  worker = _dask(
    'worker',
    address,
    '--host=localhost',
    f'--nworkers={settings.workers}',
    *_worker_flags(settings),
  )
  return '\n'.join(
    [
      '# On this machine alone: other machines do not reach localhost. Other',
      '# users of this one do; where there are some, take `flsec cluster ssh`',
      '# with this host.',
      f'{scheduler} &',
      f'{worker} &',
      f'{_program("flsec")} run FILE.yaml --cluster={address}',
    ]
  )


def ssh(settings: Settings) -> str:
  """A worker on each of several machines, started from this one."""
  if not settings.hosts:
    raise UsageError(
      'ssh needs the machines: --hosts=node1,node2. The first has the '
      'scheduler, too.'
    )
  address = f'tls://{settings.hosts[0]}:{settings.port}'
  tls = _tls_flags(settings.key)
  scheduler = _dask(
    'scheduler', '--protocol=tls', f'--port={settings.port}', _PRIVATE_PAGE,
    *tls,
  )  # fmt: skip
  worker = _dask(
    'worker',
    address,
    f'--nworkers={settings.workers}',
    *_worker_flags(settings),
    *tls,
  )
  lines = [
    '# All machines share this folder, the environment and the key in it.',
    _make_key(settings.key),
    f'{_remote(settings.hosts[0], scheduler)} &',
    *(f'{_remote(host, worker)} &' for host in settings.hosts),
    _run(address, settings.key),
  ]
  return '\n'.join(lines)


def slurm(settings: Settings) -> str:
  """Workers as jobs of Slurm: a Python script that submits them."""
  roles = ('client', 'scheduler', 'worker')
  files = {f'tls_{role}_{part}': 'KEY' for role in roles
           for part in ('cert', 'key')}  # fmt: skip
  security = ', '.join(f'{name}={value}' for name, value in files.items())
  address = f'tls://$(hostname):{settings.port}'
  number = settings.workers
  return f"""# Save as cluster.py and leave running where jobs are submitted:
#   {_make_key(settings.key)}
#   {sys.executable} cluster.py
# Then, from the same folder, which the nodes must share:
#   {_run(address, settings.key)}
# A job that reaches its time gives its cells back, and another is submitted.
import signal

from dask_jobqueue import SLURMCluster
from distributed import Security

KEY = {str(settings.key)!r}

if __name__ == '__main__':
  cluster = SLURMCluster(
    cores={settings.cells},  # Cells at once.
    job_cpu={settings.cores},
    memory={settings.memory!r},
    walltime={settings.time!r},
    processes=1,
    python={sys.executable!r},
    protocol='tls',
    security=Security(tls_ca_file=KEY, {security}, require_encryption=True),
    scheduler_options={{
      'port': {settings.port},
      'dashboard_address': 'localhost:0',
    }},
    worker_extra_args=['--memory-limit=0', '{_PRIVATE_PAGE}'],
  )
  cluster.adapt(minimum_jobs={number}, maximum_jobs={number})
  print(cluster.scheduler_address, flush=True)
  signal.pause()"""


def kubernetes(settings: Settings) -> str:
  """Pods for scheduler and workers: manifests for `kubectl apply`."""
  key = pathlib.PurePosixPath('/key') / settings.key.name
  tls = _tls_flags(key)
  scheduler = [
    'dask', 'scheduler', '--protocol=tls', f'--port={settings.port}',
    _PRIVATE_PAGE, *tls,
  ]  # fmt: skip
  address = f'tls://flsec-scheduler:{settings.port}'
  worker = ['dask', 'worker', address, *_worker_flags(settings), *tls]
  inside = _run(f'tls://localhost:{settings.port}', key, program='flsec')
  secret = f'kubectl create secret generic flsec-key --from-file={settings.key}'
  return f"""# {_make_key(settings.key)}
# {secret}
# flsec cluster kubernetes ... | kubectl apply -f -
# kubectl exec deploy/flsec-scheduler -- {inside} --output_dir=/runs
apiVersion: v1
kind: Service
metadata: {{name: flsec-scheduler}}
spec:
  selector: {{app: flsec-scheduler}}
  ports: [{{port: {settings.port}}}]
---
{_deployment('scheduler', 1, scheduler, settings)}
---
{_deployment('worker', settings.workers, worker, settings)}"""


def _deployment(
  role: str, replicas: int, command: list[str], settings: Settings
) -> str:
  resources = ''
  if role == 'worker':
    memory = settings.memory if settings.memory[-1:] == 'i' else (
      f'{settings.memory}i'
    )  # fmt: skip
    size = f'{{cpu: {settings.cores}, memory: {memory}}}'
    resources = f'\n        resources: {{requests: {size}, limits: {size}}}'
  words = ', '.join(f'"{word}"' for word in command)
  return f"""apiVersion: apps/v1
kind: Deployment
metadata: {{name: flsec-{role}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: flsec-{role}}}}}
  template:
    metadata: {{labels: {{app: flsec-{role}}}}}
    spec:
      containers:
      - name: {role}
        image: {settings.image}
        workingDir: /runs
        command: [{words}]{resources}
        volumeMounts:
        - {{name: key, mountPath: /key, readOnly: true}}
        - {{name: runs, mountPath: /runs}}
      volumes:
      - {{name: key, secret: {{secretName: flsec-key, defaultMode: 0400}}}}
      - name: runs
        persistentVolumeClaim: {{claimName: {settings.claim}}}"""


# By the word behind `flsec cluster`.
RECIPES: dict[str, Callable[[Settings], str]] = {
  'localhost': localhost,
  'ssh': ssh,
  'slurm': slurm,
  'kubernetes': kubernetes,
}


def _worker_flags(settings: Settings) -> list[str]:
  # Cells have processes of their own, which Dask does not count; flsec does.
  return [f'--nthreads={settings.cells}', '--memory-limit=0', _PRIVATE_PAGE]


def _tls_flags(key: pathlib.PurePath) -> list[str]:
  return [f'--tls-{part}={key}' for part in ('ca-file', 'cert', 'key')]


def _dask(*words: str) -> str:
  return shlex.join([_program('dask'), *words])


def _program(name: str) -> str:
  return str(pathlib.Path(sys.executable).parent / name)


def _make_key(key: pathlib.Path) -> str:
  return f'{_program("flsec")} cluster key --cluster_key={key}  # once'


def _run(address: str, key: pathlib.PurePath, program: str = '') -> str:
  flsec = program or _program('flsec')
  return f'{flsec} run FILE.yaml --cluster={address} --cluster_key={key}'


def _remote(host: str, command: str) -> str:
  inside = f'cd {shlex.quote(os.getcwd())} && exec {command}'
  return f'ssh -n {host} {shlex.quote(inside)}'
