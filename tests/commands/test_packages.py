"""What is needed, what is there and what adds the rest."""

import itertools
import pathlib
import sys

import pytest
from packaging import markers

from flsec.commands import packages

_ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def locked_markers():
  lines = packages.LOCK.read_text(encoding='utf-8').splitlines()
  found = {line.rstrip(' \\').partition(';')[2].strip() for line in lines}
  return sorted(found - {''})


def environments():
  machines = [('linux', 'x86_64'), ('darwin', 'arm64'), ('win32', 'AMD64')]
  versions = ['3.9.0', '3.9.18', '3.10.0', '3.10.13', '3.11.7', '3.12.1']
  for (system, machine), version in itertools.product(machines, versions):
    yield {
      'implementation_name': 'cpython',
      'platform_machine': machine,
      'platform_python_implementation': 'CPython',
      'python_full_version': version,
      'python_version': version.rpartition('.')[0],
      'sys_platform': system,
    }


class TestMarkers:
  @pytest.mark.parametrize(
    'marker',
    [
      "python_version >= '3.9' and python_version < '3.12'",
      "sys_platform == 'win32' or python_full_version == '3.10.*'",
      "python_full_version != '3.11.*'",
      "python_full_version <= '3.10' or python_full_version > '3.11.7'",
      "(sys_platform != 'linux' or python_version < '3.10') "
      "and implementation_name == 'cpython'",
    ],
  )
  def test_hold_where_packaging_says(self, marker):
    for environment in environments():
      expected = markers.Marker(marker).evaluate(environment)
      assert packages.applies(marker, environment) == expected, environment

  def test_those_of_the_lock_hold_where_packaging_says(self):
    assert len(locked_markers()) >= 5
    for marker in locked_markers():
      for environment in environments():
        expected = markers.Marker(marker).evaluate(environment)
        assert packages.applies(marker, environment) == expected, marker

  @pytest.mark.parametrize(
    'marker', ['extra', "os_name == 'nt'", "python_version ~= '3.9'", '1 < 2']
  )
  def test_others_are_refused(self, marker):
    with pytest.raises(ValueError, match='is no marker of a lock'):
      packages.applies(marker, packages.marker_environment())

  def test_this_machine_is_the_one_that_packaging_sees(self):
    here = markers.default_environment()
    assert packages.marker_environment().items() <= here.items()


def test_tools_of_development_are_those_of_the_requirements():
  text = (_ROOT / 'requirements.in').read_text(encoding='utf-8')
  lines = text.partition('# Development.')[2].split()
  names = [line.partition('>')[0] for line in lines if '>' in line]
  assert sorted(names) == sorted(packages.DEVELOPMENT)


def test_nothing_that_a_run_imports_serves_development_alone():
  only = packages.development_only(packages.LOCK)
  assert {'pytest', 'ruff', 'pluggy', 'iniconfig', 'execnet'} <= only
  assert only.isdisjoint(packages.MODULES.values())
  # TFF's and matplotlib's requirements, too.
  assert only.isdisjoint({'jax', 'jaxlib', 'attrs', 'pillow', 'six'})


class TestMissing:
  def test_none_here(self):
    assert packages.missing() == []

  def test_in_a_checkout_make_adds_them(self, monkeypatch, tmp_path):
    monkeypatch.chdir(_ROOT)
    assert packages.way_out() == 'make setup'
    monkeypatch.chdir(tmp_path)
    assert packages.way_out() == f'make -C {_ROOT} setup'

  def test_elsewhere_pip_and_the_lock_do(self, monkeypatch, tmp_path):
    package = tmp_path / 'site-packages' / 'flsec'
    monkeypatch.setattr(packages, '_PACKAGE', package)
    monkeypatch.setattr(packages, 'LOCK', package / 'requirements.txt')
    words = packages.way_out().split()
    assert words[:4] == [sys.executable, '-m', 'pip', 'install']
    assert words[-2:] == ['-r', str(package / 'requirements.txt')]

  def test_where_there_is_no_pip_uv_does(self, monkeypatch, tmp_path):
    monkeypatch.setattr(packages, '_PACKAGE', tmp_path / 'flsec')
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    words = packages.way_out().split()
    assert words[:5] == ['uv', 'pip', 'install', '--python', sys.executable]

  def test_an_import_that_fails_names_all_that_is_missing(self, monkeypatch):
    monkeypatch.setattr(packages, 'missing', lambda: ['pyyaml', 'tqdm'])
    error = ModuleNotFoundError('No module', name='yaml.loader')
    message = packages.explain_missing(error)
    assert 'pyyaml, tqdm' in message and packages.way_out() in message

  def test_another_module_is_none_of_a_run(self):
    error = ModuleNotFoundError('No module', name='flsec.nonsense')
    assert packages.explain_missing(error) is None
