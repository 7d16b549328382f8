"""How many cores this process may use, and TensorFlow told so in time.

TensorFlow reads its thread counts once, when it starts, so they are put into
the environment before it is imported; nothing here imports it.
"""

import math
import os
import pathlib
import sys
from typing import Optional

_THREADS = 'TF_NUM_INTEROP_THREADS'
_CGROUP = pathlib.Path('/sys/fs/cgroup')
_PROCESS = pathlib.Path('/proc/self/cgroup')


def usable_cores(
  cgroup: pathlib.Path = _CGROUP, process: pathlib.Path = _PROCESS
) -> int:
  """Returns the cores that this process may use, at least 1.

  The least of the machine's cores, the process's affinity (`taskset`) and the
  quota of its control group (containers), version 1 or 2, rounded up.

  Args:
    cgroup: where control groups are mounted.
    process: the file that says which of them the process is in.
  """
  cores = float(os.cpu_count() or 1)
  if hasattr(os, 'sched_getaffinity'):
    cores = float(len(os.sched_getaffinity(0)))
  quota = _quota(cgroup, process)
  if quota is not None:
    cores = min(cores, math.ceil(quota))
  return max(1, int(cores))


def configure(threads: Optional[int] = None) -> int:
  """Sets TensorFlow's threads: one an operation, `threads` operations at once.

  Clients are trained side by side, which uses cores better than threads within
  one small operation do.

  Args:
    threads: how many; None means what the environment says, else
      `usable_cores()`.

  Returns:
    The number of threads.

  Raises:
    RuntimeError: TensorFlow was imported before.
  """
  if 'tensorflow' in sys.modules:
    raise RuntimeError(
      'TensorFlow reads its thread counts when it is imported, and it was '
      'imported already. Call flsec.runtime.threads.configure first.'
    )
  if threads is not None:
    os.environ[_THREADS] = str(threads)
  os.environ.setdefault(_THREADS, str(usable_cores()))
  os.environ.setdefault('TF_NUM_INTRAOP_THREADS', '1')
  os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
  return int(os.environ[_THREADS])


def _quota(cgroup: pathlib.Path, process: pathlib.Path) -> Optional[float]:
  """Returns the cores of the tightest quota above this process, or None."""
  quotas = []
  for folder in _folders(cgroup, process):
    text = _read(folder / 'cpu.max')
    parts = text.split() if text else []
    if len(parts) != 2:
      parts = [
        _read(folder / 'cpu.cfs_quota_us'),
        _read(folder / 'cpu.cfs_period_us'),
      ]
    try:
      quota, period = (int(part) for part in parts)
    except ValueError:
      continue  # `max`, or no quota here.
    if quota > 0 and period > 0:
      quotas.append(quota / period)
  return min(quotas, default=None)


def _folders(cgroup: pathlib.Path, process: pathlib.Path) -> list[pathlib.Path]:
  """Returns the folders of the process's control groups and their parents."""
  folders = [cgroup, cgroup / 'cpu', cgroup / 'cpu,cpuacct']
  for line in _read(process).splitlines():
    controllers, _, path = line.partition(':')[2].partition(':')
    if controllers not in ('', 'cpu', 'cpu,cpuacct'):
      continue
    folder = (cgroup / controllers) / path.lstrip('/')
    while folder != cgroup and cgroup in folder.parents:
      folders.append(folder)
      folder = folder.parent
  return folders


def _read(path: pathlib.Path) -> str:
  try:
    return path.read_text(encoding='utf-8').strip()
  except OSError:
    return ''
