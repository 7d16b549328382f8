"""Where the control groups (containers) of this process keep their limits."""

import pathlib
from collections.abc import Collection

CGROUP = pathlib.Path('/sys/fs/cgroup')
PROCESS = pathlib.Path('/proc/self/cgroup')


def folders(
  controllers: Collection[str], cgroup: pathlib.Path, process: pathlib.Path
) -> list[pathlib.Path]:
  """Returns the folders of the process's control groups and their parents.

  Args:
    controllers: names of a version-1 controller, such as 'cpu'; version 2 has
      a single tree.
    cgroup: where control groups are mounted.
    process: the file that says which of them the process is in.
  """
  found = [cgroup, *(cgroup / controller for controller in controllers)]
  for line in read(process).splitlines():
    mounted, _, path = line.partition(':')[2].partition(':')
    if mounted and mounted not in controllers:
      continue
    folder = (cgroup / mounted) / path.lstrip('/')
    while folder != cgroup and cgroup in folder.parents:
      found.append(folder)
      folder = folder.parent
  return found


def read(path: pathlib.Path) -> str:
  """Returns a file's text, or '' where there is no such file."""
  try:
    return path.read_text(encoding='utf-8').strip()
  except OSError:
    return ''
