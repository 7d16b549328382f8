import os
import subprocess
import sys
import types

import pytest

from flsec.runtime import threads

_MANY = set(range(8))


@pytest.fixture
def groups(tmp_path, monkeypatch):
  """`groups(process, {file: text})`: cores, on a machine with eight."""
  monkeypatch.setattr(os, 'sched_getaffinity', lambda pid: _MANY)

  def cores(process, files):
    root = tmp_path / 'cgroup'
    for name, text in files.items():
      path = root / name
      path.parent.mkdir(parents=True, exist_ok=True)
      path.write_text(text)
    (tmp_path / 'process').write_text(process)
    return threads.usable_cores(root, tmp_path / 'process')

  return cores


class TestShare:
  def test_a_process_beside_others_has_its_share(self, groups, monkeypatch):
    for name in (threads.SHARE, 'TF_NUM_INTEROP_THREADS'):
      monkeypatch.setenv(name, '')
    assert groups('', {}) == 8
    threads.take_share(3)
    assert groups('', {}) == 3
    assert os.environ['TF_NUM_INTEROP_THREADS'] == '3'
    threads.take_share(64, 2)
    assert groups('', {}) == 8  # No more than there are.
    assert os.environ['TF_NUM_INTEROP_THREADS'] == '2'

  def test_a_share_that_is_no_number_is_none(self, groups, monkeypatch):
    monkeypatch.setenv(threads.SHARE, 'half')
    assert groups('', {}) == 8


class TestUsableCores:
  @pytest.mark.parametrize(
    'process, files, cores',
    [
      ('', {}, 8),
      ('0::/\n', {'cpu.max': 'max 100000\n'}, 8),
      ('0::/\n', {'cpu.max': '200000 100000\n'}, 2),
      # One core and a half keeps two threads busy most of the time.
      ('0::/\n', {'cpu.max': '150000 100000\n'}, 2),
      ('0::/\n', {'cpu.max': '10000 100000\n'}, 1),
      ('0::/\n', {'cpu.max': '9900000 100000\n'}, 8),
      ('0::/a/b\n', {'a/b/cpu.max': '400000 100000'}, 4),
      # The tightest of a group and its parents holds.
      (
        '0::/a/b\n',
        {'a/b/cpu.max': 'max 100000', 'a/cpu.max': '300000 100000'},
        3,
      ),
      (
        '4:memory:/m\n3:cpu,cpuacct:/c\n',
        {
          'cpu,cpuacct/c/cpu.cfs_quota_us': '500000\n',
          'cpu,cpuacct/c/cpu.cfs_period_us': '100000\n',
        },
        5,
      ),
      (
        '3:cpu:/c\n',
        {'cpu/c/cpu.cfs_quota_us': '-1', 'cpu/c/cpu.cfs_period_us': '100000'},
        8,
      ),
      # In a container the path of version 1 is often not the mounted one.
      (
        '3:cpu:/docker/x\n',
        {
          'cpu/cpu.cfs_quota_us': '250000',
          'cpu/cpu.cfs_period_us': '100000',
        },
        3,
      ),
      ('nonsense\n::\n', {'cpu.max': 'word'}, 8),
    ],
  )
  def test_affinity_and_quota(self, groups, process, files, cores):
    assert groups(process, files) == cores

  def test_affinity_alone(self, tmp_path, monkeypatch):
    monkeypatch.setattr(os, 'sched_getaffinity', lambda pid: {3})
    assert threads.usable_cores(tmp_path, tmp_path / 'absent') == 1

  def test_this_machine(self):
    assert 1 <= threads.usable_cores() <= len(os.sched_getaffinity(0))


class TestConfigure:
  @pytest.fixture(autouse=True)
  def clean(self, monkeypatch):
    monkeypatch.delitem(sys.modules, 'tensorflow', raising=False)
    for name in ('INTRAOP', 'INTEROP'):
      monkeypatch.delenv(f'TF_NUM_{name}_THREADS', raising=False)

  def test_one_thread_an_operation_and_one_operation_a_core(self):
    cores = threads.configure()
    assert cores == threads.usable_cores()
    assert os.environ['TF_NUM_INTRAOP_THREADS'] == '1'
    assert os.environ['TF_NUM_INTEROP_THREADS'] == str(cores)

  def test_given_number(self):
    assert threads.configure(5) == 5
    assert os.environ['TF_NUM_INTEROP_THREADS'] == '5'

  def test_what_the_user_set_stays_unless_a_number_is_given(self, monkeypatch):
    monkeypatch.setenv('TF_NUM_INTEROP_THREADS', '3')
    monkeypatch.setenv('TF_NUM_INTRAOP_THREADS', '2')
    assert threads.configure() == 3
    assert os.environ['TF_NUM_INTRAOP_THREADS'] == '2'
    assert threads.configure(4) == 4

  def test_too_late(self, monkeypatch):
    monkeypatch.setitem(sys.modules, 'tensorflow', object())
    with pytest.raises(RuntimeError, match='imported already'):
      threads.configure()


class TestSettle:
  def test_before_tensorflow_it_configures(self, monkeypatch):
    monkeypatch.delitem(sys.modules, 'tensorflow', raising=False)
    monkeypatch.delenv('TF_NUM_INTEROP_THREADS', raising=False)
    monkeypatch.delenv('TF_NUM_INTRAOP_THREADS', raising=False)
    assert threads.settle(3) == 3
    assert os.environ['TF_NUM_INTEROP_THREADS'] == '3'
    # Not left behind, since other tests' TensorFlow may not have begun.
    monkeypatch.delenv('TF_NUM_INTEROP_THREADS')
    monkeypatch.delenv('TF_NUM_INTRAOP_THREADS')

  def test_after_its_import_it_tells_tensorflow(self, monkeypatch):
    told = {}
    threading = types.SimpleNamespace(
      set_inter_op_parallelism_threads=lambda n: told.update(inter=n),
      set_intra_op_parallelism_threads=lambda n: told.update(intra=n),
    )
    config = types.SimpleNamespace(threading=threading)
    fake = types.SimpleNamespace(config=config)
    monkeypatch.setitem(sys.modules, 'tensorflow', fake)
    assert threads.settle(3) == 3
    assert told == {'inter': 3, 'intra': 1}

  def test_once_tensorflow_has_begun_nothing_is_changed(self, monkeypatch):
    def refuse(number):
      raise RuntimeError('cannot be modified after initialization')

    threading = types.SimpleNamespace(
      set_inter_op_parallelism_threads=refuse,
      set_intra_op_parallelism_threads=refuse,
    )
    config = types.SimpleNamespace(threading=threading)
    fake = types.SimpleNamespace(config=config)
    monkeypatch.setitem(sys.modules, 'tensorflow', fake)
    assert threads.settle(3) == 3


def test_asking_for_cores_imports_no_tensorflow(repository):
  program = (
    'import sys; from flsec.runtime import threads; threads.usable_cores(); '
    'assert "tensorflow" not in sys.modules'
  )
  subprocess.run([sys.executable, '-c', program], check=True, cwd=repository)
