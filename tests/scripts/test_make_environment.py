"""When the environment is made anew, with a Python that only takes notes."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest
from fake_command import write_executable

_SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / 'scripts'
_FAKE_PYTHON = r"""#!/bin/sh
echo "$*" >>"$LOG"
case "$*" in
  *find_python*|*ensurepip*) echo "$0" ;;
  -c*) echo "${VERSION:-3.11}" ;;
  '-m venv'*) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
  *requirements.txt) [ ! -e fail ] ;;
esac
"""


class TestMakeEnvironment:
  @pytest.fixture
  def checkout(self, tmp_path):
    """A checkout with the real scripts and a Python that only takes notes."""
    shutil.copytree(_SCRIPTS, tmp_path / 'checkout' / 'scripts')
    (tmp_path / 'checkout' / 'requirements.txt').write_text('a==1\n')
    write_executable(tmp_path / 'bin' / 'python3.11', _FAKE_PYTHON)
    return tmp_path / 'checkout'

  @pytest.fixture
  def make(self, checkout):
    """`make() -> (exit code, what pip and venv were asked, all output)`."""

    def made(at=checkout, **variables):
      log = at.parent / 'log'
      log.write_text('')
      path = f'{checkout.parent / "bin"}:{os.environ["PATH"]}'
      kept = {k: v for k, v in os.environ.items() if k != 'PYTHON'}
      done = subprocess.run(
        [str(at / 'scripts' / 'make_environment.sh')],
        env={**kept, 'PATH': path, 'LOG': str(log), **variables},
        capture_output=True,
        text=True,
        check=False,
      )
      lines = re.findall(r'^-m .*', log.read_text(), re.MULTILINE)
      return done.returncode, lines, done.stdout + done.stderr

    return made

  def test_installs_only_what_the_lock_names(self, make):
    code, calls, output = make()
    assert code == 0
    venv, packages, flsec = calls
    assert venv == '-m venv --clear .venv'
    for flag in ('--no-deps', '--require-hashes', '--only-binary :all:'):
      assert flag in packages
    assert '--no-deps' in flsec and flsec.endswith('-e .')
    assert output.startswith('Making the environment in .venv with Python 3.11')

  def test_does_nothing_while_the_lock_is_the_same(self, make):
    make()
    assert make() == (0, [], '')

  def test_begins_anew_when_the_lock_changed(self, make, checkout):
    make()
    (checkout / 'requirements.txt').write_text('a==2\n')
    assert len(make()[1]) == 3
    assert make()[1] == []

  def test_the_environment_of_another_checkout_is_not_cleared(
    self, make, checkout
  ):
    other = checkout.parent / 'other' / '.venv'
    other.mkdir(parents=True)
    (other / 'package').touch()
    (checkout / '.venv').symlink_to(other)
    code, calls, output = make()
    assert (code, calls) == (1, [])
    assert output.startswith(f'.venv is a link to {other}')
    assert (other / 'package').exists()

  def test_an_interrupted_installation_is_not_taken_for_a_whole(
    self, make, checkout
  ):
    make()
    (checkout / 'requirements.txt').write_text('a==2\n')
    (checkout / 'fail').touch()
    code, calls, output = make()
    assert code != 0 and len(calls) == 2
    assert 'The environment is not complete' in output
    # Nor is it where the lock is the old one again.
    (checkout / 'requirements.txt').write_text('a==1\n')
    assert make()[0] != 0
    (checkout / 'fail').unlink()
    assert make()[0] == 0

  def test_a_moved_checkout_gets_a_new_one(self, make, checkout):
    make()
    moved = checkout.rename(checkout.parent / 'moved')
    assert len(make(moved)[1]) == 3

  def test_another_python_gets_a_new_one(self, make, checkout):
    make()
    python = str(checkout.parent / 'bin' / 'python3.11')
    assert make(PYTHON=python)[1] == []
    other = checkout.parent / 'bin' / 'python3.10'
    write_executable(other, _FAKE_PYTHON.replace('3.11', '3.10'))
    assert len(make(PYTHON=str(other))[1]) == 3

  def test_leaves_what_is_there_if_no_python_will_do(self, make, checkout):
    make()
    (checkout / 'requirements.txt').write_text('a==2\n')
    code, calls, output = make(PYTHON='python9')
    assert code != 0 and calls == []
    assert 'found: no python9.' in output
    assert (checkout / '.venv' / 'bin' / 'python').exists()
