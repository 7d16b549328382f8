"""`flsec version`: the versions a bug report needs."""

import importlib.metadata
import platform
from collections.abc import Sequence

from absl import flags

import flsec
from flsec.commands.command import Command, UsageError

_PACKAGES = ('tensorflow', 'tensorflow-federated', 'numpy')


def run(flag_values: flags.FlagValues, positional: Sequence[str]) -> int:
  """Prints the versions of flsec, Python, TensorFlow and TFF."""
  del flag_values
  if positional:
    raise UsageError(f'`flsec version` takes no {positional[0]!r}.')
  print(f'flsec {flsec.__version__}')
  print(f'Python {platform.python_version()}')
  for package in _PACKAGES:
    print(f'{package} {installed(package) or "not installed"}')
  return 0


def installed(package: str) -> str:
  """Returns a package's installed version, or ''; does not import it."""
  try:
    return importlib.metadata.version(package)
  except importlib.metadata.PackageNotFoundError:
    return ''


COMMAND = Command(
  name='version',
  summary='Print the versions of flsec and of what it runs on.',
  usage='',
  run=run,
)
