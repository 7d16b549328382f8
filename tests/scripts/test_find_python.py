"""Which Python is taken, with stand-ins for interpreters."""

import pathlib
import subprocess
import sys

import pytest
from fake_command import write_executable

_SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / 'scripts'
# What stands in for an interpreter: this one, with something changed.
_CHANGES = {
  'fine': '',
  'other': 'sys.version_info = (3, 10, 2)',
  'new': 'sys.version_info = (3, 12, 1)',
  'old': 'sys.version_info = (2, 7, 18)',
  'arm': 'import platform; platform.machine = lambda: "aarch64"',
  'without_venv': 'sys.modules["ensurepip"] = None',
}


class TestFindPython:
  @pytest.fixture
  def find(self, tmp_path):
    """`find(python3='new', ...) -> (exit code, stdout, stderr)`."""

    def found(override=None, **commands):
      for name, change in commands.items():
        name = name.replace('python31', 'python3.1')
        text = f"#!/bin/sh\nexec {sys.executable} -c 'import sys; " + (
          f'sys.executable = "{name}"; {_CHANGES.get(change)}\n'
          'exec(sys.argv[1])\' "$2"\n'
        )
        shim = '#!/bin/sh\necho "pyenv: command not found" >&2\nexit 127\n'
        write_executable(tmp_path / name, shim if change == 'shim' else text)
      environment = {'PATH': str(tmp_path)}
      if override:
        environment['PYTHON'] = override
      done = subprocess.run(
        ['/bin/sh', str(_SCRIPTS / 'find_python.sh')],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
      )
      return done.returncode, done.stdout.strip(), done.stderr

    return found

  def test_takes_the_first_that_will_do(self, find):
    assert find(python311='fine', python310='other')[:2] == (0, 'python3.11')

  def test_passes_over_a_shim_that_does_not_run(self, find):
    code, path, errors = find(python311='shim', python310='other')
    assert (code, path, errors) == (0, 'python3.10', '')

  def test_takes_plain_python3(self, find):
    assert find(python3='other')[:2] == (0, 'python3')

  def test_none_at_all(self, find):
    code, path, errors = find()
    assert (code, path) == (1, '')
    assert errors.count('\n') == 1
    assert 'Python 3.9, 3.10 or 3.11' in errors
    assert 'found: no python3. Install Python 3.11' in errors

  @pytest.mark.parametrize(
    ('change', 'reason'),
    [
      ('new', 'python3 is Python 3.12.'),
      ('old', 'python3 is Python 2.7.'),
      ('arm', ' for linux on aarch64.'),
      ('without_venv', ' without its venv module.'),
      ('shim', 'python3 does not run.'),
    ],
  )
  def test_says_why_not(self, find, change, reason):
    code, path, errors = find(python3=change)
    assert (code, path) == (1, '')
    assert reason in errors

  def test_names_all_that_will_not_do(self, find):
    errors = find(python311='shim', python3='new')[2]
    assert 'python3.11 does not run, python3 is Python 3.12.' in errors

  def test_a_named_one_is_the_only_one(self, find, tmp_path):
    named = str(tmp_path / 'python3')
    assert find(named, python3='other', python311='fine')[:2] == (0, 'python3')
    code, _, errors = find('python9', python311='fine')
    assert code == 1
    assert 'found: no python9.' in errors
