"""How much memory there is, and how much this process alone takes.

Imports no TensorFlow.
"""

import pathlib

from flsec.runtime import control_group

_CONTROLLERS = ('memory',)
# Version 1 says "no limit" by a number no machine has.
_NO_LIMIT = 1 << 60
_MEMINFO = pathlib.Path('/proc/meminfo')
_MAPPINGS = pathlib.Path('/proc/self/smaps_rollup')
_STATUS = pathlib.Path('/proc/self/status')


def available_bytes(
  meminfo: pathlib.Path = _MEMINFO,
  cgroup: pathlib.Path = control_group.CGROUP,
  process: pathlib.Path = control_group.PROCESS,
) -> int:
  """Returns how much memory this process may still take.

  The least of what the machine has to give without swapping and of what is left
  below the limit of each control group (containers), version 1 or 2, whose
  caches count as free.

  Args:
    meminfo: the machine's own account.
    cgroup: where control groups are mounted.
    process: the file that says which of them the process is in.
  """
  left = [1024 * found for found in _kibibytes(meminfo, 'MemAvailable:')]
  for folder in control_group.folders(_CONTROLLERS, cgroup, process):
    for limit, usage, cache in (
      ('memory.max', 'memory.current', 'inactive_file'),
      (
        'memory.limit_in_bytes',
        'memory.usage_in_bytes',
        'total_inactive_file',
      ),
    ):
      number = control_group.read(folder / limit)
      if number.isdigit() and int(number) < _NO_LIMIT:
        used = int(control_group.read(folder / usage) or 0)
        left.append(int(number) - used + _statistic(folder, cache))
  return max(0, min(left, default=_NO_LIMIT))


def _statistic(folder: pathlib.Path, name: str) -> int:
  for line in control_group.read(folder / 'memory.stat').splitlines():
    key, _, value = line.partition(' ')
    if key == name:
      return int(value)
  return 0


def own_bytes(
  mappings: pathlib.Path = _MAPPINGS, status: pathlib.Path = _STATUS
) -> int:
  """Returns how much memory this process takes that no other one shares.

  Args:
    mappings: the kernel's account of shared and private pages.
    status: its account of all pages, where there is no other.
  """
  private = _kibibytes(mappings, 'Private_')
  return 1024 * sum(private or _kibibytes(status, 'VmRSS'))


def _kibibytes(path: pathlib.Path, prefix: str) -> list[int]:
  return [
    int(line.split()[1])
    for line in control_group.read(path).splitlines()
    if line.startswith(prefix)
  ]
