"""`flsec doctor`: checks what a run needs, and says what to do."""

import os
import pathlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Optional

from flsec.commands import flags, imports
from flsec.commands import packages as packages_lib
from flsec.commands.command import Command, UsageError
from flsec.commands.finding import Finding, broken, fine, note
from flsec.commands.packages import LOCK, installed
from flsec.runtime import threads

_PYTHONS = ((3, 9), (3, 11))
_LEAST_DISK_GIB = 1.0
_GIB = 2**30


def define_flags(flag_values: flags.FlagValues) -> None:
  """Declares the flags of `flsec doctor`."""
  flags.DEFINE_string(
    'data_dir',
    None,
    'Folder of the data sets (default: $FLSEC_DATA_DIR, else data).',
    flag_values=flag_values,
  )
  flags.DEFINE_string(
    'output_dir', 'runs', 'Folder of the runs.', flag_values=flag_values
  )


def run(flag_values: flags.FlagValues, positional: Sequence[str]) -> int:
  """Prints every check as it is made; 1 if something is broken."""
  if positional:
    raise UsageError(f'`flsec doctor` takes no {positional[0]!r}.')
  findings = []
  for finding in examine(flag_values.data_dir, flag_values.output_dir):
    print(finding.text(), flush=True)
    findings.append(finding)
  num_broken = sum(one.status == 'broken' for one in findings)
  print(
    f'{num_broken} broken: see above what to do.'
    if num_broken
    else 'Ready to run.'
  )
  return 1 if num_broken else 0


def examine(data_dir: Optional[str], output_dir: str) -> Iterator[Finding]:
  """Yields every check, quick ones first."""
  import platform

  yield python(sys.version_info[:2])
  yield machine(sys.platform, platform.machine())
  yield packages(LOCK)
  yield cores()
  yield from environment(os.environ)
  yield disk(output_dir)
  yield from data(data_dir)
  yield from imports.tensorflow()
  yield imports.federated()


def python(version: tuple[int, ...]) -> Finding:
  """Checks the version of Python, (major, minor)."""
  text = f'Python {".".join(map(str, version))}'
  if _PYTHONS[0] <= tuple(version) <= _PYTHONS[1]:
    return fine(text)
  return broken(
    f'{text}; flsec runs on 3.9 to 3.11',
    'Make the environment again with python3.11.',
  )


def machine(system: str, processor: str) -> Finding:
  """Checks operating system and processor."""
  text = f'{system} on {processor}'
  if system.startswith('linux') and processor == 'x86_64':
    return fine(text)
  return broken(
    f'{text}; TensorFlow Federated has wheels for Linux on x86-64 only',
    'Use such a machine or a container.',
  )


def packages(lock: pathlib.Path) -> Finding:
  """Compares the installed packages with the lock."""
  if not lock.is_file():
    return note(f'packages: not compared, {lock} is not there')
  development = packages_lib.development_only(lock)
  missing, other, same = [], [], 0
  for name, version in packages_lib.locked(lock).items():
    found = installed(name)
    if found == version:
      same += 1
    elif found:
      other.append(f'{name} {found} (lock: {version})')
    elif name not in development:
      missing.append(name)
  way_out = f'`{packages_lib.way_out()}`'
  if missing:
    return broken(f'packages: missing {", ".join(missing)}', f'Run {way_out}.')
  if other:
    return note(
      f'packages: {same} as in the lock, but {", ".join(other)}',
      f'Where something fails, {way_out} installs those of the lock.',
    )
  return fine(f'packages: all {same} as in the lock')


def cores() -> Finding:
  """Says how many cores a run will use."""
  usable, present = threads.usable_cores(), os.cpu_count() or 1
  limits = '' if usable == present else f' of {present} (affinity or quota)'
  return fine(f'cores: {usable}{limits}')


def environment(variables: Mapping[str, str]) -> Iterator[Finding]:
  """Warns of environment variables that slow a run down."""
  if variables.get('TF_ENABLE_ONEDNN_OPTS') == '0':
    yield note(
      'TF_ENABLE_ONEDNN_OPTS=0: rounds take several times as long on a CPU',
      'Unset it.',
    )
  for name, way_out in (
    (
      'TF_NUM_INTRAOP_THREADS',
      'Unset it: 1 is best with clients side by side.',
    ),
    ('TF_NUM_INTEROP_THREADS', 'Unset it, or give --threads.'),
  ):
    if name in variables:
      text = f'{name}={variables[name]} is set, and takes precedence'
      yield note(text, way_out)


def disk(output_dir: str) -> Finding:
  """Checks that runs can be written, and that there is room for them."""
  folder = pathlib.Path(output_dir).absolute()
  there = next(p for p in (folder, *folder.parents) if p.exists())
  if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
    return broken(
      f'runs: {there} cannot be written', 'Give another --output_dir.'
    )
  import shutil

  free = shutil.disk_usage(there).free / _GIB
  text = f'runs: {folder}, {free:.1f} GiB free'
  if free < _LEAST_DISK_GIB:
    return broken(text, 'Make room, or give another --output_dir.')
  return fine(text)


def data(data_dir: Optional[str]) -> Iterator[Finding]:
  """Says which data sets are there; one that is not is no fault."""
  from flsec.data import locate

  folder = data_dir or locate.default_data_dir()
  locations = locate.locate_all(data_dir)
  present = [name for name, one in locations.items() if one.is_present]
  absent = [name for name, one in locations.items() if not one.is_present]
  yield fine(f'data sets in {folder}: {", ".join(present) or "none"}')
  if absent:
    yield note(
      f'data sets that are not there: {", ".join(absent)}',
      'A run downloads what it needs; `flsec list datasets` says what goes '
      'where. FLSEC_DATA_DIR or --data_dir name another folder.',
    )


COMMAND = Command(
  name='doctor',
  summary='Check Python, packages, TensorFlow, TFF, devices, data and disk.',
  usage='',
  run=run,
  define_flags=define_flags,
  is_light=True,
)
