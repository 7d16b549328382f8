"""`flsec version`: the versions a bug report needs."""

import sys
from collections.abc import Sequence

import flsec
from flsec.commands import flags
from flsec.commands.command import Command, UsageError
from flsec.commands.packages import installed

_PACKAGES = ('tensorflow', 'tensorflow-federated', 'numpy')


def run(flag_values: flags.FlagValues, positional: Sequence[str]) -> int:
  """Prints the versions of flsec, Python, TensorFlow and TFF."""
  del flag_values
  if positional:
    raise UsageError(f'`flsec version` takes no {positional[0]!r}.')
  print(f'flsec {flsec.__version__}')
  print(f'Python {".".join(map(str, sys.version_info[:3]))}')
  for package in _PACKAGES:
    print(f'{package} {installed(package) or "not installed"}')
  return 0


COMMAND = Command(
  name='version',
  summary='Print the versions of flsec and of what it runs on.',
  usage='',
  run=run,
  is_light=True,
)
