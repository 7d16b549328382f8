"""How the environment is made, with nothing installed."""

import ast
import configparser
import importlib.util
import pathlib
import re
import sys

import pytest
from packaging import requirements, utils

import flsec
from flsec.commands import packages

_ROOT = pathlib.Path(__file__).resolve().parent.parent
# Import -> package, where the two differ by more than - and _.
_PACKAGES = {
  'absl': 'absl-py',
  'grpc': 'grpcio',
  'mlflow': 'mlflow-skinny',
  'sklearn': 'scikit-learn',
  'yaml': 'pyyaml',
}

# What is imported only where a user asks for what it does.
_OPTIONAL = ['requirements-cluster', 'requirements-loggers']
LOCKS = ['requirements', 'requirements-gpu', 'requirements-tools', *_OPTIONAL]


def read(name: str) -> str:
  return (_ROOT / name).read_text(encoding='utf-8')


def wanted(name: str) -> dict:
  """Returns the requirements of a `.in` file, by package."""
  lines = [
    line for line in read(name).splitlines() if line[:1] not in ('#', '')
  ]
  found = map(requirements.Requirement, lines)
  return {utils.canonicalize_name(one.name): one for one in found}


def locked(name: str) -> dict:
  """Returns the versions and hashes of a lock, by package."""
  found = {}
  for block in re.split(r'\n(?=[a-z0-9])', read(name)):
    match = re.match(r'([A-Za-z0-9._-]+)==(\S+)', block)
    if match:
      key = utils.canonicalize_name(match[1])
      hashes = re.findall(r'--hash=sha256:([0-9a-f]{64})\b', block)
      found.setdefault(key, []).append((match[2], hashes))
  return found


def versions(name: str, python: str) -> dict:
  """Returns the versions that a lock has for one Python, by package."""
  place = {'python_version': python, 'python_full_version': f'{python}.0'}
  found = {}
  for line in re.findall(
    r'^[a-z0-9].*==.*?(?= \\\\?$)', read(name), re.MULTILINE
  ):
    one = requirements.Requirement(line.rstrip(' \\'))
    if not one.marker or one.marker.evaluate(place):
      found[one.name] = str(one.specifier)
  return found


class TestLock:
  @pytest.mark.parametrize('name', LOCKS)
  def test_holds_what_is_wanted_with_hashes(self, name):
    lock = locked(f'{name}.txt')
    assert len(lock) > 5
    for package, versions in lock.items():
      assert all(hashes for _, hashes in versions), package
    overridden = wanted('requirements-override.txt')
    for package, wish in {**wanted(f'{name}.in')}.items():
      wish = overridden.get(package, wish)
      for version, _ in lock[package]:
        assert wish.specifier.contains(version), package

  def test_overrides_hold(self):
    lock = locked('requirements.txt')
    for package, wish in wanted('requirements-override.txt').items():
      assert [v for v, _ in lock[package]] == [
        next(iter(wish.specifier)).version
      ]

  @pytest.mark.parametrize('python', ['3.9', '3.10', '3.11'])
  @pytest.mark.parametrize('name', _OPTIONAL)
  def test_what_is_optional_takes_the_versions_of_the_other(self, name, python):
    lock = versions('requirements.txt', python)
    optional = versions(f'{name}.txt', python)
    shared = set(lock) & set(optional)
    assert shared and set(optional) - shared
    assert {one: optional[one] for one in shared} == {
      one: lock[one] for one in shared
    }

  @pytest.mark.parametrize('name', LOCKS)
  def test_names_no_place_of_whoever_made_it(self, name):
    text = read(f'{name}.txt')
    assert 'make lock' in text.splitlines()[1]
    assert not re.search(r'file:|://|/home|/tmp|/root|index-url', text)

  def test_is_for_every_python_that_setup_allows(self):
    assert 'python_requires = >=3.9,<3.12' in read('setup.cfg')
    assert '--python-version 3.9' in read('Makefile')
    assert "python_version >= '3.9' and python_version < '3.12'" in read(
      'pyproject.toml'
    )


def declared() -> dict:
  """Returns what setup.cfg asks pip for, by package."""
  parser = configparser.ConfigParser()
  parser.read_string(read('setup.cfg'))
  lines = parser['options']['install_requires'].splitlines()
  found = [requirements.Requirement(one) for one in filter(None, lines)]
  return {utils.canonicalize_name(one.name): one for one in found}


class TestDeclared:
  # Nobody can meet what these ask for: a line of their own installs them.
  _ALONE = {'tensorflow-federated', 'google-vizier'}
  # What only tests and the build of the environment use.
  _TOOLS = {*packages.DEVELOPMENT, 'packaging', 'wheel'}

  def test_is_what_flsec_imports(self):
    needed = set(wanted('requirements.in')) - self._ALONE - self._TOOLS
    assert needed <= set(declared())

  def test_the_lock_is_within_its_ranges(self):
    lock = locked('requirements.txt')
    for package, wish in declared().items():
      assert lock[package], package
      for version, _ in lock[package]:
        assert wish.specifier.contains(version), package

  def test_holds_what_tff_and_vizier_ask_for(self):
    parents = dict.fromkeys(self._ALONE)
    for block in re.split(r'\n(?=[a-z0-9])', read('requirements.txt')):
      name = block.partition('==')[0]
      if name in self._TOOLS or name in self._ALONE:
        continue
      if parents.keys() & set(
        re.findall(r'#\s+(?:via )?([a-z-]+)$', block, re.M)
      ):
        assert name in declared(), name

  def test_recipes_install_this_version_and_the_locked_tff(self):
    text = read('BUILD.md')
    lock = locked('requirements.txt')
    for name in self._ALONE:
      version = lock[name][0][0]
      assert set(re.findall(rf'{name}==([\d.]+)', text)) == {version}
    for version in re.findall(r'flsec-([\d.]+)(?:-py3|\.tar)', text):
      assert version == flsec.__version__
    for package, wish in wanted('requirements-override.txt').items():
      assert f'"{package}{wish.specifier}"' in text


def imported(path: pathlib.Path) -> set:
  tree = ast.parse(path.read_text(encoding='utf-8'))
  names = set()
  for node in ast.walk(tree):
    if isinstance(node, ast.Import):
      names.update(alias.name.split('.')[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
      names.add(node.module.split('.')[0])
  # pandas is used where it is there: the extra of setup.cfg.
  return names - {'flsec', 'pandas'}


def test_every_import_is_a_requirement():
  names = set().union(*map(imported, (_ROOT / 'flsec').rglob('*.py')))
  optional = set().union(*(wanted(f'{name}.in') for name in _OPTIONAL))
  installed = set()
  for name in names - set(sys.builtin_module_names):
    package = utils.canonicalize_name(_PACKAGES.get(name, name))
    if package in optional:
      continue
    spec = importlib.util.find_spec(name)
    assert spec is not None, f'{name} is imported and cannot be'
    if 'site-packages' in (spec.origin or ''):
      installed.add(package)
  assert {'tensorflow', 'numpy', 'absl-py'} <= installed
  # `flsec doctor` and every message name what is missing by this list.
  assert installed - {'setuptools'} == set(packages.MODULES.values())
  assert installed <= set(wanted('requirements.in'))
