"""What there is, by the accounts that Linux and its containers keep."""

import pathlib
import subprocess
import sys

from flsec.runtime import available_memory


def _machine(tmp_path, available_kib):
  file = tmp_path / 'meminfo'
  file.write_text(
    f'MemTotal: 99999999 kB\nMemAvailable:   {available_kib} kB\nCached: 1 kB\n'
  )
  return file


def _write(folder, **files):
  folder.mkdir(parents=True, exist_ok=True)
  for name, text in files.items():
    (folder / f'memory.{name}').write_text(f'{text}\n')


def test_without_a_limit_the_machine_decides(tmp_path):
  found = available_memory.available_bytes(
    _machine(tmp_path, 1000), tmp_path / 'none', tmp_path / 'none'
  )
  assert found == 1000 * 1024


def test_a_container_of_version_2_limits_and_its_cache_is_free(tmp_path):
  group = tmp_path / 'cgroup'
  process = tmp_path / 'process'
  process.write_text('0::/outer/inner\n')
  _write(group / 'outer', max=900, current=500, stat='anon 1\ninactive_file 50')
  _write(group / 'outer' / 'inner', max='max', current=400)
  machine = _machine(tmp_path, 1000)
  assert available_memory.available_bytes(machine, group, process) == 450

  _write(group / 'outer' / 'inner', max=410, stat='inactive_file 3')
  assert available_memory.available_bytes(machine, group, process) == 13

  _write(group / 'outer' / 'inner', max=100)
  assert available_memory.available_bytes(machine, group, process) == 0


def test_a_container_of_version_1_limits(tmp_path):
  group = tmp_path / 'cgroup'
  process = tmp_path / 'process'
  process.write_text('9:name=systemd:/x\n4:memory:/job\n1:cpu:/x\n')
  names = {
    'limit_in_bytes': 700,
    'usage_in_bytes': 600,
    'stat': 'total_inactive_file 20',
  }
  _write(group / 'memory' / 'job', **names)
  _write(group / 'memory', limit_in_bytes=2**63 - 4096, usage_in_bytes=10**9)
  machine = _machine(tmp_path, 1000)
  assert available_memory.available_bytes(machine, group, process) == 120


def test_this_machine_has_some_memory():
  assert 2**20 < available_memory.available_bytes() < 2**50


def test_shared_pages_are_not_its_own(tmp_path):
  mappings, status = tmp_path / 'smaps_rollup', tmp_path / 'status'
  mappings.write_text(
    'Rss: 900 kB\nShared_Clean: 500 kB\nPrivate_Clean: 100 kB\n'
    'Private_Dirty: 20 kB\n'
  )
  status.write_text('VmPeak: 999 kB\nVmRSS: 900 kB\n')
  assert available_memory.own_bytes(mappings, status) == 120 * 1024
  absent = tmp_path / 'absent'
  assert available_memory.own_bytes(absent, status) == 900 * 1024


def test_what_a_process_allocates_is_its_own():
  # In a process of its own: one that has run tests may have the memory already.
  program = (
    'from flsec.runtime import available_memory as a; '
    'before = a.own_bytes(); block = bytearray(b"x" * 2**24); '
    'print(a.own_bytes() - before)'
  )
  grown = int(_output(program))
  assert 2**24 <= grown < 2**26


def test_it_imports_no_tensorflow():
  program = (
    'import sys; from flsec.runtime import available_memory as a; '
    'a.own_bytes(), a.available_bytes(); '
    'print("tensorflow" in sys.modules)'
  )
  assert _output(program) == 'False\n'


def _output(program):
  root = pathlib.Path(__file__).parents[2]
  return subprocess.run(
    [sys.executable, '-c', program],
    check=True, cwd=root, stdout=subprocess.PIPE, text=True,
  ).stdout  # fmt: skip
