"""How many cores this process may use, and TensorFlow told so in time.

TensorFlow reads its thread counts once, when it starts, so they are put into
the environment before it is imported; nothing here imports it.
"""

import contextlib
import math
import os
import pathlib
import sys
from typing import Optional

from flsec.runtime import control_group

_THREADS = 'TF_NUM_INTEROP_THREADS'
# The cores that a cell may use while others run beside it.
SHARE = 'FLSEC_CORES'
_CONTROLLERS = ('cpu', 'cpu,cpuacct')


def usable_cores(
  cgroup: pathlib.Path = control_group.CGROUP,
  process: pathlib.Path = control_group.PROCESS,
) -> int:
  """Returns the cores that this process may use, at least 1.

  The least of the machine's cores, the process's affinity (`taskset`), the
  quota of its control group (containers), version 1 or 2, rounded up, and the
  share that FLSEC_CORES gives it (see `take_share`).

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
  share = os.environ.get(SHARE, '')
  if share.isdigit():
    cores = min(cores, int(share))
  return max(1, int(cores))


def take_share(cores: int, threads: Optional[int] = None) -> None:
  """Makes this process one of several that share the machine.

  TensorFlow may have been imported, but must not have begun: it reads its
  thread counts when its context is made.

  Args:
    cores: its share.
    threads: as in `configure`, which else are as many.
  """
  os.environ[SHARE] = str(cores)
  os.environ[_THREADS] = str(threads or usable_cores())
  os.environ.setdefault('TF_NUM_INTRAOP_THREADS', '1')


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


def settle(threads: Optional[int] = None) -> int:
  """Sets TensorFlow's threads as `configure` does, as far as that still works.

  For a program, or a notebook, that may have imported TensorFlow itself. Where
  TensorFlow has begun, its threads stay as they are: the results are the same
  bits, a round may take longer.

  Args:
    threads: as in `configure`.

  Returns:
    The number of threads that a run will use.
  """
  if 'tensorflow' not in sys.modules:
    return configure(threads)
  import tensorflow as tf

  number = threads or int(os.environ.get(_THREADS) or usable_cores())
  with contextlib.suppress(RuntimeError):  # It has begun.
    tf.config.threading.set_inter_op_parallelism_threads(number)
    tf.config.threading.set_intra_op_parallelism_threads(1)
  return number


def _quota(cgroup: pathlib.Path, process: pathlib.Path) -> Optional[float]:
  """Returns the cores of the tightest quota above this process, or None."""
  quotas = []
  for folder in control_group.folders(_CONTROLLERS, cgroup, process):
    text = control_group.read(folder / 'cpu.max')
    parts = text.split() if text else []
    if len(parts) != 2:
      parts = [
        control_group.read(folder / 'cpu.cfs_quota_us'),
        control_group.read(folder / 'cpu.cfs_period_us'),
      ]
    try:
      quota, period = (int(part) for part in parts)
    except ValueError:
      continue  # `max`, or no quota here.
    if quota > 0 and period > 0:
      quotas.append(quota / period)
  return min(quotas, default=None)
