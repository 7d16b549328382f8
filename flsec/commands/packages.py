"""Which packages flsec needs, which are there, and what adds the others.

Nothing here imports a package: `flsec doctor` works where none is installed.
"""

import ast
import importlib.util
import pathlib
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Optional

import flsec

_PACKAGE = pathlib.Path(flsec.__file__).parent
# In a checkout a link to the one beside setup.cfg.
LOCK = _PACKAGE / 'requirements.txt'
# What flsec imports; `absl` is the package absl-py, and so on.
MODULES = {
  'absl': 'absl-py',
  'dacite': 'dacite',
  'grpc': 'grpcio',
  'h5py': 'h5py',
  'jinja2': 'jinja2',
  'keras': 'keras',
  'matplotlib': 'matplotlib',
  'numpy': 'numpy',
  'portpicker': 'portpicker',
  'scipy': 'scipy',
  'sklearn': 'scikit-learn',
  'tensorboard': 'tensorboard',
  'tensorflow': 'tensorflow',
  'tensorflow_federated': 'tensorflow-federated',
  'tqdm': 'tqdm',
  'yaml': 'pyyaml',
}
# What requirements.in holds for those who work on flsec.
DEVELOPMENT = ('pytest', 'pytest-xdist', 'ruff')


def installed(package: str) -> str:
  """Returns a package's installed version, or ''; does not import it."""
  # Takes as long as Python itself to start, which help has no use for.
  import importlib.metadata

  try:
    return importlib.metadata.version(package)
  except importlib.metadata.PackageNotFoundError:
    return ''


def missing() -> list[str]:
  """Returns the packages that flsec imports and that are not there."""
  return [
    package
    for module, package in MODULES.items()
    if importlib.util.find_spec(module) is None
  ]


def way_out() -> str:
  """Returns the command that adds what is missing."""
  root = _PACKAGE.parent
  if (root / 'Makefile').is_file() and (root / 'setup.cfg').is_file():
    elsewhere = '' if root == pathlib.Path.cwd() else f'-C {root} '
    return f'make {elsewhere}setup'
  installer = f'{sys.executable} -m pip install'
  if importlib.util.find_spec('pip') is None:  # As uv makes environments.
    installer = f'uv pip install --python {sys.executable}'
  return f'{installer} --no-deps --require-hashes --only-binary :all: -r {LOCK}'


def explain_missing(error: ModuleNotFoundError) -> Optional[str]:
  """Says that a package is missing and what adds it; None: flsec's fault."""
  module = (error.name or '').partition('.')[0]
  absent = missing()
  if MODULES.get(module) not in absent:
    return None
  return f'packages are missing: {", ".join(absent)}. `{way_out()}` adds them.'


def locked(lock: pathlib.Path) -> dict[str, str]:
  """Returns the versions, by package, that a lock wants on this machine."""
  found = {}
  for line in lock.read_text(encoding='utf-8').splitlines():
    if '==' not in line or line[0] in ' #-':
      continue
    wanted, _, marker = line.rstrip(' \\').partition(';')
    if not marker or applies(marker.strip(), marker_environment()):
      name, _, version = wanted.strip().partition('==')
      found[name] = version
  return found


def development_only(lock: pathlib.Path) -> set[str]:
  """Returns the packages of a lock that serve nothing but DEVELOPMENT."""
  blocks = re.split(r'\n(?=[a-z0-9])', lock.read_text(encoding='utf-8'))
  parents: dict[str, set[str]] = {}
  for block in blocks:
    name = block.partition('==')[0]
    via = re.findall(r'^    #\s+(?:via )?(\S.*)$', block, re.MULTILINE)
    parents.setdefault(name, set()).update(via)
  found = set(DEVELOPMENT) & set(parents)
  while True:
    more = {
      name
      for name, via in parents.items()
      if name not in found and via - {'via'} and via - {'via'} <= found
    }
    if not more:
      return found
    found |= more


def marker_environment() -> dict[str, str]:
  """Returns what a lock's markers are compared with: this machine."""
  import platform

  return {
    'implementation_name': sys.implementation.name,
    'platform_machine': platform.machine(),
    'platform_python_implementation': platform.python_implementation(),
    'python_full_version': platform.python_version(),
    'python_version': '.'.join(map(str, sys.version_info[:2])),
    'sys_platform': sys.platform,
  }


def applies(marker: str, environment: Mapping[str, str]) -> bool:
  """Tells whether a marker, as locks have them, holds.

  Args:
    marker: comparisons of names with texts, joined by `and` and `or`.
    environment: as `marker_environment` returns it.

  Raises:
    ValueError: it holds something else.
  """
  try:
    return _holds(ast.parse(marker, mode='eval').body, environment)
  except (SyntaxError, KeyError, AttributeError, TypeError) as error:
    raise ValueError(f'{marker!r} is no marker of a lock: {error}') from error


def _holds(node: ast.expr, environment: Mapping[str, str]) -> bool:
  if isinstance(node, ast.BoolOp):
    every = all if isinstance(node.op, ast.And) else any
    return every(_holds(value, environment) for value in node.values)
  name, wanted = node.left.id, node.comparators[0].value
  here, operator = environment[name], type(node.ops[0]).__name__
  if wanted.endswith('.*'):
    same = f'{here}.'.startswith(wanted[:-1])
    return same if operator == 'Eq' else not same
  pair = (here, wanted)
  if name.startswith('python_'):
    pair = tuple(tuple(_numbers(text)) for text in pair)
  return {
    'Eq': pair[0] == pair[1],
    'NotEq': pair[0] != pair[1],
    'Lt': pair[0] < pair[1],
    'LtE': pair[0] <= pair[1],
    'Gt': pair[0] > pair[1],
    'GtE': pair[0] >= pair[1],
  }[operator]


def _numbers(version: str) -> Iterator[int]:
  """Yields the numbers of a version, trailing zeros left out."""
  text = re.match(r'\d+(?:\.\d+)*', version)[0]
  yield from map(int, re.sub(r'(\.0)+$', '', text).split('.'))
