"""What two machines must have in common, for a cell to give the same bits."""

import functools
import hashlib
import importlib.metadata
import pathlib
import sys
from collections.abc import Iterable
from typing import Optional

import flsec
from flsec import source_file

_ROOT = pathlib.Path(flsec.__file__).parent
# Those whose kernels compute.
_PACKAGES = ('tensorflow', 'tensorflow-federated', 'numpy', 'scipy')
_SHOWN = 12


def describe(plugins: Iterable[str] = ()) -> dict[str, str]:
  """Returns what this machine runs, by name.

  Args:
    plugins: files whose texts count.
  """
  found = {'flsec': flsec.__version__, 'the text of flsec': _own_text()}
  found['Python'] = '{}.{}'.format(*sys.version_info)
  found.update({name: _version(name) for name in _PACKAGES})
  found.update({f'the plug-in {one}': _text(one) for one in plugins})
  return found


def difference(here: dict[str, str], there: dict[str, str]) -> Optional[str]:
  """Returns in words what first differs; None: nothing does.

  Args:
    here: as `describe` gives it.
    there: the same of the machine that the sweep was started on.
  """
  for name, wanted in there.items():
    found = here.get(name, 'none')
    if found != wanted:
      found, wanted = found[:_SHOWN], wanted[:_SHOWN]
      return f'it has another version of {name}: {found}, not {wanted}'
  return None


@functools.cache
def _own_text() -> str:
  """Returns the SHA-256 of the sources of flsec, whatever version they say."""
  whole = hashlib.sha256()
  for path in sorted(_ROOT.rglob('*.py')):
    whole.update(f'{path.relative_to(_ROOT)}\n'.encode())
    whole.update(path.read_bytes())
  return whole.hexdigest()


def _version(package: str) -> str:
  try:
    return importlib.metadata.version(package)
  except importlib.metadata.PackageNotFoundError:
    return 'none'


def _text(plugin: str) -> str:
  path = pathlib.Path(plugin)
  return source_file.sha256(path) if path.is_file() else 'no such file'
